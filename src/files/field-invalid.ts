import { LongshoreError } from '../errors.ts';
import type { FieldViolation } from '../errors.ts';

/** FIELD_INVALID for one field. `description` completes the sentence "<field> ...", for example `must not be empty`. */
export function fieldInvalid(
  field: string,
  description: string,
  metadata: Readonly<Record<string, string>> = {},
  cause?: unknown,
): LongshoreError {
  return fieldsInvalid([{ field, description }], metadata, cause);
}

/** Throws FIELD_INVALID that carries all of `violations`, or does nothing when there are none. */
export function requireValid(violations: readonly FieldViolation[]): void {
  if (violations.length > 0) throw fieldsInvalid(violations, {}, undefined);
}

function fieldsInvalid(
  violations: readonly FieldViolation[],
  metadata: Readonly<Record<string, string>>,
  cause: unknown,
): LongshoreError {
  const sentences = violations.map(({ field, description }) => `${field} ${description}`);
  return new LongshoreError('FIELD_INVALID', `${sentences.join('; ')}.`, { violations, metadata, cause });
}
