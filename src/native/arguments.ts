/** Checks at the native border. A failure is a bug of the caller: TypeError or RangeError, never a NativeError. */

export function checkByteCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name}: ${value} is not a number of bytes`);
}

export function checkCrc32c(value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`crc32c: ${value} is not an unsigned 32-bit number`);
  }
}

export function checkPath(name: string, value: string): void {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    throw new TypeError(`${name}: ${JSON.stringify(value)} is not a path`);
  }
}

/** At most this many pieces may make up one write; more should have been joined long before. */
const segmentsMax = 4096;

/** Returns a list of our own: the native side keeps it alive, and with it the bytes, while it works. */
export function checkSegments(segments: readonly Uint8Array[]): Uint8Array[] {
  if (segments.length > segmentsMax)
    throw new RangeError(`segments: ${segments.length} are more than ${segmentsMax}`);
  for (const segment of segments) checkBytes('segments', segment);
  return [...segments];
}

export function checkBytes(name: string, value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name}: not a Uint8Array`);
}
