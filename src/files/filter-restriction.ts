import type { Filter, Ordering, TextPattern, TextTarget, TimeField } from './filter.ts';
import type { FileState } from './file.ts';
import { LABEL_KEY_PATTERN } from './labels.ts';

export type Comparator = '=' | '!=' | '<' | '<=' | '>' | '>=' | ':';

/** A value as it was written. `text` is what it says with quotes, escapes and outer wildcards taken off. */
export interface FilterValue extends TextPattern {
  /** A `*` that is neither first nor last. */
  readonly innerWildcard: boolean;
}

/** Why a restriction makes no sense; the parser adds where. */
export class RestrictionError extends Error {}

const TEXT_FIELDS: ReadonlySet<string> = new Set(['display_name', 'media_type', 'region']);
const TIME_FIELDS: ReadonlySet<string> = new Set([
  'create_time',
  'update_time',
  'access_time',
  'expire_time',
]);
const SIZE_FIELDS: ReadonlySet<string> = new Set(['size_bytes', 'size', 'digest.size_bytes']);
const DIGEST_FIELDS: ReadonlySet<string> = new Set(['digest.sha256', 'sha256']);
const STATES: ReadonlyMap<string, FileState> = new Map([
  ['ACTIVE', 'active'],
  ['DELETED', 'deleted'],
  ['QUARANTINED', 'quarantined'],
]);
const FIELDS_SHOWN =
  'display_name, media_type, region, size_bytes, digest.sha256, state, create_time, update_time, access_time, expire_time, labels.{key}';

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d))?$/;
/** What google.protobuf.Timestamp can hold. */
const TIME_MS_MIN = Date.parse('0001-01-01T00:00:00Z');
const TIME_MS_MAX = Date.parse('9999-12-31T23:59:59.999Z');

/** A word or quoted text that stands alone: part of the display name. */
export function literal(value: FilterValue): Filter {
  return textRestriction('display_name', ':', value);
}

/** `field comparator value`, checked against what the field is. Throws RestrictionError. */
export function restriction(field: string, comparator: Comparator, value: FilterValue): Filter {
  if (comparator === '!=') return { kind: 'not', term: restriction(field, '=', value) };
  if (field === 'labels') return labelKeyRestriction(comparator, value);
  if (field.startsWith('labels.')) {
    const target = labelTarget(field.slice('labels.'.length));
    if (isAny(value) && (comparator === '=' || comparator === ':')) return { kind: 'present', target };
    return textRestriction(target, comparator === ':' ? '=' : comparator, value);
  }
  if (TEXT_FIELDS.has(field)) return textRestriction(field as TextTarget, comparator, value);
  if (TIME_FIELDS.has(field)) return timeRestriction(field as TimeField, comparator, value);
  const scalar = comparator === ':' ? '=' : comparator;
  if (SIZE_FIELDS.has(field)) return { kind: 'size', ordering: scalar, sizeBytes: sizeBytes(value) };
  if (DIGEST_FIELDS.has(field)) {
    requireEquality(field, scalar);
    return { kind: 'digest', sha256: sha256(value) };
  }
  if (field === 'state') {
    requireEquality(field, scalar);
    return { kind: 'state', state: fileState(value) };
  }
  throw new RestrictionError(`an unknown field; the fields are ${FIELDS_SHOWN}`);
}

function textRestriction(
  target: TextTarget,
  comparator: Exclude<Comparator, '!='>,
  value: FilterValue,
): Filter {
  if (value.innerWildcard) throw new RestrictionError('a "*" that is neither first nor last in its value');
  const { text, openStart, openEnd } = value;
  if (comparator === '=') return { kind: 'match', target, pattern: { text, openStart, openEnd } };
  if (comparator === ':') {
    const contains = !openStart && !openEnd;
    return {
      kind: 'match',
      target,
      pattern: { text, openStart: openStart || contains, openEnd: openEnd || contains },
    };
  }
  return { kind: 'text', target, ordering: comparator, text: plain(value) };
}

function labelKeyRestriction(comparator: Comparator, value: FilterValue): Filter {
  if (comparator !== ':')
    throw new RestrictionError('labels compared as a whole; use labels.{key} or labels:{key}');
  return { kind: 'present', target: isAny(value) ? 'labels' : labelTarget(plain(value)) };
}

function labelTarget(key: string): `labels.${string}` {
  if (!LABEL_KEY_PATTERN.test(key)) throw new RestrictionError('a label key that no label can have');
  return `labels.${key}`;
}

function timeRestriction(
  field: TimeField,
  comparator: Exclude<Comparator, '!='>,
  value: FilterValue,
): Filter {
  const ordering: Ordering | '=' = comparator === ':' ? '=' : comparator;
  if (ordering === '=' && isAny(value)) return { kind: 'present', target: field };
  return { kind: 'time', field, ordering, timeMs: timeMs(plain(value)) };
}

function requireEquality(field: string, comparator: Comparator): void {
  if (comparator !== '=') throw new RestrictionError(`${field} ordered; it can only be equal or not`);
}

function isAny(value: FilterValue): boolean {
  return value.text === '' && value.openStart;
}

function plain(value: FilterValue): string {
  if (value.openStart || value.openEnd || value.innerWildcard)
    throw new RestrictionError('a "*" where none can be');
  return value.text;
}

function sizeBytes(value: FilterValue): number {
  const size = /^\d{1,16}$/.test(plain(value)) ? Number(value.text) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw new RestrictionError('a size that is not a whole number of bytes');
  return size;
}

function sha256(value: FilterValue): string {
  if (!/^[0-9a-fA-F]{64}$/.test(plain(value)))
    throw new RestrictionError('a SHA-256 that is not 64 hex digits');
  return value.text.toLowerCase();
}

function fileState(value: FilterValue): FileState {
  const state = STATES.get(plain(value).toUpperCase());
  if (state === undefined) throw new RestrictionError(`a state other than ${[...STATES.keys()].join(', ')}`);
  return state;
}

/** RFC 3339, or a date alone for its midnight in UTC. Times are kept to the millisecond: what is finer is cut off. */
function timeMs(text: string): number {
  const [, year, month, day] = RFC3339.exec(text) ?? [];
  const ms = year === undefined ? Number.NaN : Date.parse(text.toUpperCase());
  // V8 takes the 31st of February for the 3rd of March.
  const dayExists =
    Number(day) <= new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate();
  if (!(ms >= TIME_MS_MIN && ms <= TIME_MS_MAX) || !dayExists) {
    throw new RestrictionError('a time that is not RFC 3339, such as "2026-01-31T12:00:00Z"');
  }
  return ms;
}
