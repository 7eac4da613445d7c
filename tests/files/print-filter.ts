import type { Filter, TextPattern } from '../../src/files/filter.ts';

/** A filter as text that `parseFilter` reads back as the same filter. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.terms.map(printTerm).join(filter.kind === 'and' ? ' AND ' : ' OR ');
    case 'not':
      return `NOT ${printTerm(filter.term)}`;
    case 'match':
      return `${filter.target} = ${printPattern(filter.pattern)}`;
    case 'text':
      return `${filter.target} ${filter.ordering} ${quote(filter.text)}`;
    case 'size':
      return `size_bytes ${filter.ordering} ${filter.sizeBytes}`;
    case 'time':
      return `${filter.field} ${filter.ordering} "${new Date(filter.timeMs).toISOString()}"`;
    case 'state':
      return `state = ${filter.state.toUpperCase()}`;
    case 'digest':
      return `digest.sha256 = "${filter.sha256}"`;
    case 'present':
      return `${filter.target}:*`;
  }
}

function printTerm(filter: Filter): string {
  const composite = filter.kind === 'and' || filter.kind === 'or' || filter.kind === 'not';
  return composite ? `(${printFilter(filter)})` : printFilter(filter);
}

function printPattern({ text, openStart, openEnd }: TextPattern): string {
  if (text === '' && openStart) return '"*"';
  return `"${openStart ? '*' : ''}${escape(text)}${openEnd ? '*' : ''}"`;
}

function quote(text: string): string {
  return `"${escape(text)}"`;
}

function escape(text: string): string {
  return text.replace(/["\\*]/g, '\\$&');
}
