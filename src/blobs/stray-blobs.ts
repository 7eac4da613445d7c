import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isNativeError } from '../native/native-error.ts';
import type { BlobRecordStore } from './blob-record-store.ts';
import type { BlobStore } from './blob-store.ts';
import { isDigest, type Layout } from './layout.ts';

/**
 * Finds bytes on the disk that no row knows: a process died between giving them their name and telling the database, or
 * left a temporary file. They are removed under the digest's lock, so that no upload is just about to use them.
 */
export class StrayBlobs {
  readonly #layout: Layout;
  readonly #blobs: BlobStore;
  readonly #records: BlobRecordStore;

  constructor(layout: Layout, blobs: BlobStore, records: BlobRecordStore) {
    this.#layout = layout;
    this.#blobs = blobs;
    this.#records = records;
  }

  /** Removes strays not touched since `beforeMs`; how many. */
  async sweep(beforeMs: number, signal: AbortSignal): Promise<number> {
    let removed = 0;
    for (const prefix of await entries(this.#layout.blobs)) {
      const folder = join(this.#layout.blobs, prefix);
      const names = await entries(folder);
      const known = await this.#records.known([...new Set(names.map(digestOf))].filter(isDigest));
      for (const name of names) {
        signal.throwIfAborted();
        const sha256 = digestOf(name);
        if (known.has(sha256) || !(await isOlder(join(folder, name), beforeMs))) continue;
        removed += isDigest(sha256)
          ? await this.#removeBlob(sha256)
          : await removeTemporary(join(folder, name));
      }
    }
    return removed;
  }

  #removeBlob(sha256: string): Promise<number> {
    return this.#records.withLock(sha256, async (known) => {
      if (known) return 0;
      await this.#blobs.remove(sha256);
      return 1;
    });
  }
}

/** A manifest may be there without its content: it gets its name first. */
function digestOf(fileName: string): string {
  return fileName.replace(/\.manifest$/, '');
}

async function removeTemporary(path: string): Promise<number> {
  await rm(path, { force: true });
  return 1;
}

async function isOlder(path: string, beforeMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && found.mtimeMs < beforeMs;
}

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isNativeError(error, 'ENOENT')) return [];
    throw error;
  }
}
