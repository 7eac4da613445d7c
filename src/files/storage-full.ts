import type { Space } from '../blobs/blob-store.ts';
import { LongshoreError } from '../errors.ts';
import { isNativeError } from '../native/native-error.ts';

/** Room is made by people or by a sweep, neither of which is quick. */
const RETRY_MS = 60_000;

/** STORAGE_FULL in numbers: what was needed, what there is, and how much has to be freed. */
export function storageFull(neededBytes: number, { availableBytes }: Space, cause?: unknown): LongshoreError {
  const missing = Math.max(neededBytes - availableBytes, 0);
  return new LongshoreError('STORAGE_FULL', `There is no room for ${neededBytes} bytes on the disk.`, {
    metadata: {
      needed: String(neededBytes),
      available: String(availableBytes),
      to_free: String(missing),
    },
    retryAfterMs: RETRY_MS,
    cause,
  });
}

/** Whether a disk refused for want of room, of its own or of a quota's. */
export function isStorageFull(error: unknown): boolean {
  return isNativeError(error, 'ENOSPC') || isNativeError(error, 'EDQUOT');
}
