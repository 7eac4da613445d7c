/**
 * What every rejection of the native core is: `code` for machines, `message` for people (what was tried, then what happened).
 *
 * `code` is the name of the errno (ENOENT, ENOSPC, EIO, ...) or one of {@link NativeErrorCode}; the facts that belong to a code
 * are own properties of the error.
 */
export interface NativeError extends Error {
  readonly code: NativeErrorCode | (string & {});
  /** Byte offset in the content. CHUNK_CORRUPT, CHUNK_CHANGED, BLOCK_CORRUPT, OFFSET_MISMATCH, INCOMPLETE. */
  readonly offset?: number;
  /** Index of the 1 MiB chunk. CHUNK_CHANGED, BLOCK_CORRUPT. */
  readonly chunk?: number;
  /** What should have been there: a CRC (CHUNK_CORRUPT, BLOCK_CORRUPT), an offset (OFFSET_MISMATCH), a size (INCOMPLETE, SIZE_MISMATCH). */
  readonly expected?: number;
  /** What was there instead, in the unit of `expected`. */
  readonly actual?: number;
}

/**
 * - CHUNK_CORRUPT: the CRC that came with a write is not that of its bytes; nothing of it was taken.
 * - CHUNK_CHANGED: bytes written ahead are no longer what was recorded; that chunk has to be written again.
 * - BLOCK_CORRUPT: a stored block differs from its CRC in the manifest, or the file is shorter or longer than the manifest says.
 * - MANIFEST_INVALID: the manifest is not one, is cut, or contradicts itself.
 * - LOCKED: another opener holds the part file.
 * - OFFSET_MISMATCH: a write does not continue what is there (`expected` is the offset that would), or overlaps one in flight.
 * - INCOMPLETE: finish was asked for and bytes are missing at `offset`.
 * - SIZE_MISMATCH: finish was asked for with fewer bytes than were written, or with another total than opened with.
 * - CLOSED: the object was closed, or finished and asked for more.
 * - ABORTED: the signal fired, or an earlier write of the same run failed so this one has no place to go.
 */
export type NativeErrorCode =
  | 'CHUNK_CORRUPT'
  | 'CHUNK_CHANGED'
  | 'BLOCK_CORRUPT'
  | 'MANIFEST_INVALID'
  | 'LOCKED'
  | 'OFFSET_MISMATCH'
  | 'INCOMPLETE'
  | 'SIZE_MISMATCH'
  | 'CLOSED'
  | 'ABORTED';

/** True for an error with the given code, from here or from the system (`isNativeError(error, 'ENOSPC')`). */
export function isNativeError(error: unknown, code: NativeErrorCode | (string & {})): error is NativeError {
  return error instanceof Error && 'code' in error && error.code === code;
}
