import { open, type FileHandle } from 'node:fs/promises';
import { LongshoreClientError } from './client-error.ts';
import type { ContentSource } from './content-source.ts';

/** As many as are read and on the way at a time. */
const SPARE_BUFFERS_MAX = 6;

/** A file on this machine, and what tells this version of it from another. */
export interface FileSource extends ContentSource {
  readonly sizeBytes: number;
  /** Nanoseconds since 1970, as text: more than a number holds. */
  readonly modifiedNs: string;
}

/** Rejects with Node's own error where the path cannot be opened, and with a TypeError where it is no regular file. */
export async function openFileSource(path: string): Promise<FileSource> {
  const handle = await open(path, 'r');
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new TypeError(`"${path}" is not a regular file.`);
    const sizeBytes = Number(stats.size);
    const modifiedNs = String(stats.mtimeNs);
    const spare: Buffer[] = [];
    return {
      sizeBytes,
      modifiedNs,
      rereadable: true,
      async read(offset, lengthMax) {
        const length = Math.min(lengthMax, sizeBytes - offset);
        if (length <= 0) {
          await assertUnchanged(handle, path, sizeBytes, modifiedNs);
          return new Uint8Array(0);
        }
        const memory = spare.pop();
        const bytes = memory?.length === length ? memory : Buffer.allocUnsafeSlow(length);
        for (let filled = 0; filled < length;) {
          const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
          if (bytesRead === 0) throw changed(path);
          filled += bytesRead;
        }
        return bytes;
      },
      release: () => undefined,
      giveBack(bytes) {
        if (bytes instanceof Buffer && spare.length < SPARE_BUFFERS_MAX) spare.push(bytes);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Asked at the end: what was sent is then one version of the file, and not half of each of two. */
async function assertUnchanged(
  handle: FileHandle,
  path: string,
  sizeBytes: number,
  modifiedNs: string,
): Promise<void> {
  const stats = await handle.stat({ bigint: true });
  if (Number(stats.size) !== sizeBytes || String(stats.mtimeNs) !== modifiedNs) throw changed(path);
}

function changed(path: string): LongshoreClientError {
  return new LongshoreClientError('ABORTED', 'SOURCE_CHANGED', `"${path}" changed while it was being sent.`);
}
