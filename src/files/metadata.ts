import type { FieldViolation } from '../errors.ts';

/** The whole as JSON without spaces, in bytes of UTF-8. */
const METADATA_BYTES_MAX = 64 * 1024;
/** Objects and arrays within each other. */
export const METADATA_DEPTH_MAX = 32;

/** Why `metadata` may not be a file's free metadata; empty when it may. It may be any JSON object within the limits. */
export function metadataViolations(
  metadata: Readonly<Record<string, unknown>>,
  field = 'file.metadata',
): FieldViolation[] {
  const description = valueFault(metadata, 1) ?? sizeFault(metadata);
  return description === null ? [] : [{ field, description }];
}

function sizeFault(metadata: Readonly<Record<string, unknown>>): string | null {
  const tooLong = Buffer.byteLength(JSON.stringify(metadata)) > METADATA_BYTES_MAX;
  return tooLong ? `is longer than ${METADATA_BYTES_MAX} bytes as JSON` : null;
}

function valueFault(value: unknown, depth: number): string | null {
  if (depth > METADATA_DEPTH_MAX) return `is nested deeper than ${METADATA_DEPTH_MAX} levels`;
  if (value === null || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'has a number that JSON cannot hold';
  if (typeof value === 'string') return textFault(value);
  if (Array.isArray(value)) return firstFault(value, (item) => valueFault(item, depth + 1));
  if (typeof value !== 'object') return 'has a value that JSON cannot hold';
  return firstFault(Object.entries(value), ([key, item]) => textFault(key) ?? valueFault(item, depth + 1));
}

function firstFault<T>(items: readonly T[], fault: (item: T) => string | null): string | null {
  for (const item of items) {
    const found = fault(item);
    if (found !== null) return found;
  }
  return null;
}

/** PostgreSQL's jsonb takes neither U+0000 nor a lone surrogate (its documentation, "JSON Types"). */
function textFault(text: string): string | null {
  return /[\0\p{Cs}]/u.test(text) ? 'has text with a NUL character or a lone surrogate' : null;
}
