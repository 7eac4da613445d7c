import mime from 'mime';
import type { FieldViolation } from '../errors.ts';

/** What is said of content about which nothing is known (RFC 2046, section 4.5.1). */
export const UNKNOWN_MEDIA_TYPE = 'application/octet-stream';

const MEDIA_TYPE_CHARS_MAX = 255;
// RFC 6838, section 4.2 gives the characters of the names; parameters follow RFC 9110, section 5.6.6.
const NAME = '[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}';
const PARAMETER =
  /^[A-Za-z0-9!#$%&'*+.^_`|~-]+=(?:[A-Za-z0-9!#$%&'*+.^_`|~-]+|"[\x20\x21\x23-\x5b\x5d-\x7e]*")$/;
const ESSENCE = new RegExp(`^${NAME}/${NAME}$`);

/** Why `mediaType` may not be a file's media type; empty when it may. It may have parameters: `text/plain; charset=utf-8`. */
export function mediaTypeViolations(mediaType: string, field = 'file.media_type'): FieldViolation[] {
  if (mediaType.length > MEDIA_TYPE_CHARS_MAX) {
    return [{ field, description: `is longer than ${MEDIA_TYPE_CHARS_MAX} characters` }];
  }
  const [essence = '', ...parameters] = mediaType.split(';').map((part) => part.trim());
  if (ESSENCE.test(essence) && parameters.every((parameter) => PARAMETER.test(parameter))) return [];
  return [{ field, description: 'is not a media type such as "application/pdf"' }];
}

/** The type and subtype alone, in lower case: what types are compared by. */
export function essenceOf(mediaType: string): string {
  return (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/**
 * Endings of programs (not `.com`, which ends names of sites too), which mime knows as `application/octet-stream` or not at all. Those of Windows as registered:
 * https://www.iana.org/assignments/media-types/application/vnd.microsoft.portable-executable
 */
const PROGRAMS: ReadonlyMap<string, string> = new Map([
  ...['acm', 'ax', 'cpl', 'dll', 'drv', 'efi', 'exe', 'mui', 'ocx', 'scr', 'sys', 'tsp'].map(
    (ending) => [ending, 'application/vnd.microsoft.portable-executable'] as const,
  ),
  ['lnk', 'application/x-ms-shortcut'],
]);

/** The type that the name's ending stands for; null when it has none that is known. */
export function mediaTypeByName(displayName: string): string | null {
  const base = displayName.slice(displayName.lastIndexOf('/') + 1);
  const program = PROGRAMS.get(base.slice(base.lastIndexOf('.') + 1).toLowerCase());
  if (program !== undefined && base.includes('.')) return program;
  // mime takes a name without a dot for an ending: "pdf" would be a PDF.
  return base.includes('.') ? mime.getType(base) : null;
}

/** Whether `mediaType` is one of those that `pattern` stands for; a `*` in it stands for any characters. */
export function matchesMediaType(pattern: string, mediaType: string): boolean {
  const [head = '', ...others] = essenceOf(pattern).split('*');
  const essence = essenceOf(mediaType);
  const tail = others.pop();
  if (tail === undefined) return essence === head;
  if (!essence.startsWith(head) || !essence.endsWith(tail) || essence.length < head.length + tail.length)
    return false;
  let at = head.length;
  for (const part of others) {
    const found = essence.indexOf(part, at);
    if (found < 0 || found + part.length > essence.length - tail.length) return false;
    at = found + part.length;
  }
  return true;
}

/** Of the patterns that `mediaType` matches the one that says most: one without `*`, else the one with most characters. */
export function mostSpecific(patterns: readonly string[], mediaType: string): string | null {
  const weight = (pattern: string): number =>
    pattern.includes('*') ? pattern.replaceAll('*', '').length : Number.MAX_SAFE_INTEGER;
  const matching = patterns.filter((pattern) => matchesMediaType(pattern, mediaType));
  return matching.sort((a, b) => weight(b) - weight(a))[0] ?? null;
}
