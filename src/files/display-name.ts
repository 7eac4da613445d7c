import type { FieldViolation } from '../errors.ts';

/** The whole name, in bytes of UTF-8. */
const DISPLAY_NAME_BYTES_MAX = 1024;
/** One part between slashes: what Linux file systems take for one name (NAME_MAX, limits.h). */
const DISPLAY_NAME_PART_BYTES_MAX = 255;

/**
 * Why `name` may not be a file's display name; empty when it may. A display name is what people see and what a client
 * writes to its own disk, so that it must neither leave a folder nor lie about how it ends: slashes make folders inside
 * (`reports/2026/a.pdf`), and nothing else is a path.
 */
export function displayNameViolations(name: string, field = 'file.display_name'): FieldViolation[] {
  const description = fault(name);
  return description === null ? [] : [{ field, description }];
}

function fault(name: string): string | null {
  if (name === '') return 'must not be empty';
  // Bytes are never fewer than characters: this spares the scans below for absurd lengths.
  if (name.length > DISPLAY_NAME_BYTES_MAX || Buffer.byteLength(name) > DISPLAY_NAME_BYTES_MAX) {
    return `is longer than ${DISPLAY_NAME_BYTES_MAX} bytes`;
  }
  if (name.includes('\0')) return 'must not contain a NUL character';
  if (/\p{Cs}/u.test(name)) return 'is not well-formed Unicode (a surrogate stands alone)';
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)) return 'must not contain control characters or line breaks';
  // The twelve characters of UAX #9 that change direction: with them "annexe\u202Efdp.exe" is shown as "annexeexe.pdf".
  if (/\p{Bidi_Control}/u.test(name)) return 'must not contain characters that change the direction of text';
  if (name.includes('\\')) return 'must not contain a backslash; folders are separated by "/"';
  if (name.startsWith('/')) return 'must not begin with "/"';
  for (const part of name.split('/')) {
    if (part === '') return 'must not have an empty part between slashes or end with "/"';
    if (part === '.' || part === '..') return 'must not have "." or ".." as a part';
    if (Buffer.byteLength(part) > DISPLAY_NAME_PART_BYTES_MAX) {
      return `has a part longer than ${DISPLAY_NAME_PART_BYTES_MAX} bytes`;
    }
  }
  return null;
}
