import type { FileRecord } from '../../src/files/file.ts';
import type { Filter, Ordering, TextPattern, TextTarget } from '../../src/files/filter.ts';

/** What a filter means, said a second time in plain code: the reference that the SQL is held against. */
export function fileMatches(filter: Filter, file: FileRecord): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.terms.every((term) => fileMatches(term, file));
    case 'or':
      return filter.terms.some((term) => fileMatches(term, file));
    case 'not':
      return !fileMatches(filter.term, file);
    case 'match': {
      const text = textOf(filter.target, file);
      return text !== undefined && patternMatches(filter.pattern, text);
    }
    case 'text': {
      const text = textOf(filter.target, file);
      return (
        text !== undefined && ordered(filter.ordering, Buffer.from(text).compare(Buffer.from(filter.text)))
      );
    }
    case 'size':
      return ordered(filter.ordering, file.sizeBytes - filter.sizeBytes);
    case 'time': {
      const time = timesOf(file)[filter.field];
      return time !== null && ordered(filter.ordering, time.getTime() - filter.timeMs);
    }
    case 'state':
      return file.state === filter.state;
    case 'digest':
      return file.sha256 === filter.sha256;
    case 'present': {
      const { target } = filter;
      if (target === 'labels') return Object.keys(file.labels).length > 0;
      if (target.startsWith('labels.')) return textOf(target as TextTarget, file) !== undefined;
      return timesOf(file)[target as keyof ReturnType<typeof timesOf>] !== null;
    }
  }
}

function patternMatches({ text, openStart, openEnd }: TextPattern, value: string): boolean {
  if (openStart && openEnd) return value.includes(text);
  if (openStart) return value.endsWith(text);
  if (openEnd) return value.startsWith(text);
  return value === text;
}

function ordered(ordering: Ordering | '=', difference: number): boolean {
  switch (ordering) {
    case '=':
      return difference === 0;
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
  }
}

function textOf(target: TextTarget, file: FileRecord): string | undefined {
  if (target === 'display_name') return file.displayName;
  if (target === 'media_type') return file.mediaType;
  if (target === 'region') return file.region;
  const key = target.slice('labels.'.length);
  return Object.hasOwn(file.labels, key) ? file.labels[key] : undefined;
}

function timesOf(file: FileRecord) {
  return {
    create_time: file.createTime,
    update_time: file.updateTime,
    access_time: file.accessTime,
    expire_time: file.expireTime,
  };
}
