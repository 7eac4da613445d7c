import type { Parameters } from '../postgres/parameters.ts';
import type { Filter, TextPattern, TextTarget, TimeField } from './filter.ts';

/** A filter as a condition on the table `files` that is true or false, never null. Values go into `parameters`. */
export function filterSql(filter: Filter, parameters: Parameters): string {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const terms = filter.terms.map((term) => filterSql(term, parameters));
      return `(${terms.join(` ${filter.kind} `)})`;
    }
    case 'not':
      return `not ${filterSql(filter.term, parameters)}`;
    case 'match':
      return matchSql(filter.target, filter.pattern, parameters);
    case 'text': {
      const text = parameters.add(filter.text, 'text');
      return never(
        filter.target,
        `${textSql(filter.target, parameters)} collate "C" ${filter.ordering} ${text}`,
      );
    }
    case 'size':
      return `(files.size_bytes ${filter.ordering} ${parameters.add(filter.sizeBytes, 'bigint')})`;
    case 'time': {
      const time = parameters.add(new Date(filter.timeMs).toISOString(), 'timestamptz');
      return `(files.${filter.field} is not null and files.${filter.field} ${filter.ordering} ${time})`;
    }
    case 'state':
      return `(files.state = ${parameters.add(filter.state, 'text')})`;
    case 'digest':
      return `(files.sha256 = ${parameters.add(Buffer.from(filter.sha256, 'hex'), 'bytea')})`;
    case 'present':
      return presentSql(filter.target, parameters);
  }
}

function matchSql(target: TextTarget, pattern: TextPattern, parameters: Parameters): string {
  const { text, openStart, openEnd } = pattern;
  if (!openStart && !openEnd) {
    const key = labelKey(target);
    // Containment is what the index on labels answers.
    if (key !== null) return `(files.labels @> ${parameters.add(JSON.stringify({ [key]: text }), 'jsonb')})`;
    return `(${textSql(target, parameters)} = ${parameters.add(text, 'text')})`;
  }
  const escaped = text.replace(/[\\%_]/g, '\\$&');
  const like = `${openStart ? '%' : ''}${escaped}${openEnd ? '%' : ''}`;
  return never(target, `${textSql(target, parameters)} like ${parameters.add(like, 'text')}`);
}

function presentSql(target: `labels.${string}` | 'labels' | TimeField, parameters: Parameters): string {
  if (target === 'labels') return `(files.labels <> '{}')`;
  const key = labelKey(target);
  if (key !== null) return `(files.labels ? ${parameters.add(key, 'text')})`;
  return `(files.${target} is not null)`;
}

function textSql(target: TextTarget, parameters: Parameters): string {
  const key = labelKey(target);
  return key === null ? `files.${target}` : `(files.labels ->> ${parameters.add(key, 'text')})`;
}

/** A comparison with a label that is not there is false, not null. */
function never(target: TextTarget, condition: string): string {
  return labelKey(target) === null ? `(${condition})` : `coalesce(${condition}, false)`;
}

function labelKey(target: string): string | null {
  return target.startsWith('labels.') ? target.slice('labels.'.length) : null;
}
