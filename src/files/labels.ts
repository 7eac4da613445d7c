import type { FieldViolation } from '../errors.ts';

const LABELS_MAX = 64;
/** In bytes of UTF-8. */
const LABEL_VALUE_BYTES_MAX = 255;
export const LABEL_KEY_PATTERN = /^[a-z0-9_.-]{1,63}$/;

/** Why `labels` may not be a file's labels; empty when they may. */
export function labelViolations(
  labels: Readonly<Record<string, string>>,
  field = 'file.labels',
): FieldViolation[] {
  const entries = Object.entries(labels);
  if (entries.length > LABELS_MAX) return [{ field, description: `has more than ${LABELS_MAX} labels` }];
  return entries.flatMap(([key, value]) => {
    if (!LABEL_KEY_PATTERN.test(key)) {
      return [
        { field, description: 'has a key that is not 1 to 63 characters of a-z, 0-9, "_", "." and "-"' },
      ];
    }
    const description = valueFault(value);
    return description === null ? [] : [{ field: `${field}.${key}`, description }];
  });
}

function valueFault(value: string): string | null {
  if (value.length > LABEL_VALUE_BYTES_MAX || Buffer.byteLength(value) > LABEL_VALUE_BYTES_MAX) {
    return `is longer than ${LABEL_VALUE_BYTES_MAX} bytes`;
  }
  // NUL and lone surrogates are among them: PostgreSQL's jsonb takes neither.
  if (/[\p{Cc}\p{Cs}]/u.test(value)) return 'must not contain control characters or lone surrogates';
  return null;
}
