import { access, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LongshoreError } from '../errors.ts';
import { openBlobReader } from '../native/blob-reader.ts';
import { CHUNK_BYTES, type Content } from '../native/content.ts';
import { readManifest } from '../native/manifest.ts';
import { isNativeError } from '../native/native-error.ts';
import type { PartFile } from '../native/part-file.ts';
import { verifyBlob, type Verification, type VerifyOptions } from '../native/verify-blob.ts';
import { writeBlob } from '../native/write-blob.ts';
import { makeDurableFolder, syncFolder } from './durable-folder.ts';
import type { BlobLease, BlobStore, Space } from './blob-store.ts';
import { contentPath, manifestPath, type Layout } from './layout.ts';
import { OpenBlobs } from './open-blobs.ts';

/** Blobs as plain files on the local disk. Several processes may share the folder. */
export class DiskBlobStore implements BlobStore {
  readonly #layout: Layout;
  readonly #readers: OpenBlobs;
  readonly #folders = new Map<string, Promise<void>>();

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#readers = new OpenBlobs((sha256) => openBlobReader(this.#content(sha256), this.#manifest(sha256)));
  }

  async has(sha256: string): Promise<boolean> {
    try {
      await access(this.#content(sha256));
      return true;
    } catch (error) {
      if (isNativeError(error, 'ENOENT')) return false;
      throw error;
    }
  }

  async hasDurably(sha256: string): Promise<boolean> {
    if (!(await this.has(sha256))) return false;
    await syncFolder(dirname(this.#content(sha256)));
    return true;
  }

  async open(sha256: string): Promise<BlobLease> {
    try {
      return { ...(await this.#readers.lease(sha256)), tier: 'disk' };
    } catch (error) {
      if (!isDamage(error)) throw error;
      throw new LongshoreError('BLOB_CORRUPT', 'The stored content is missing or damaged.', {
        metadata: { digest: sha256 },
        cause: error,
      });
    }
  }

  async describe(sha256: string): Promise<Content | null> {
    if (!(await this.isReadable(sha256, []))) return null;
    const { size, crc32c, chunkDigests } = await readManifest(this.#manifest(sha256));
    return { sha256, size, crc32c, chunkDigests };
  }

  async place(part: PartFile, sha256: string): Promise<{ existed: boolean }> {
    return this.#placeOnce(sha256, () => part.publish(this.#content(sha256), this.#manifest(sha256)));
  }

  async placeSmall(content: Uint8Array, sha256: string): Promise<{ existed: boolean }> {
    return this.#placeOnce(sha256, () => writeBlob(this.#content(sha256), this.#manifest(sha256), content));
  }

  async remove(sha256: string): Promise<void> {
    this.#readers.drop(sha256);
    // The content first: its name is the claim that the blob is there.
    await rm(this.#content(sha256), { force: true });
    await rm(this.#manifest(sha256), { force: true });
  }

  async isReadable(sha256: string, chunks: readonly number[]): Promise<boolean> {
    this.#readers.drop(sha256);
    try {
      const reader = await openBlobReader(this.#content(sha256), this.#manifest(sha256));
      try {
        for (const chunk of chunks) {
          const offset = chunk * CHUNK_BYTES;
          await reader.read(offset, Math.min(CHUNK_BYTES, reader.size - offset));
        }
      } finally {
        await reader.close();
      }
      return true;
    } catch (error) {
      if (isDamage(error)) return false;
      throw error;
    }
  }

  async quarantine(sha256: string): Promise<void> {
    this.#readers.drop(sha256);
    await this.#makeFolder(dirname(contentPath(this.#layout.quarantine, sha256)));
    await moveIfThere(this.#content(sha256), contentPath(this.#layout.quarantine, sha256));
    await moveIfThere(this.#manifest(sha256), manifestPath(this.#layout.quarantine, sha256));
  }

  verify(sha256: string, options: VerifyOptions): Promise<Verification> {
    return verifyBlob(this.#content(sha256), this.#manifest(sha256), options);
  }

  async space(): Promise<Space> {
    await this.#makeFolder(this.#layout.blobs);
    const { bavail, blocks, bsize } = await statfs(this.#layout.blobs);
    return { availableBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  close(): Promise<void> {
    return this.#readers.close();
  }

  async #placeOnce(sha256: string, write: () => Promise<unknown>): Promise<{ existed: boolean }> {
    if (await this.hasDurably(sha256)) {
      if (await this.isReadable(sha256, [])) return { existed: true };
      await this.quarantine(sha256);
    }
    await this.#makeFolder(dirname(this.#content(sha256)));
    await write();
    return { existed: false };
  }

  /** Each folder is made and synced once in the life of a process. */
  #makeFolder(folder: string): Promise<void> {
    const made = this.#folders.get(folder) ?? makeDurableFolder(folder);
    this.#folders.set(folder, made);
    return made.catch((error: unknown) => {
      this.#folders.delete(folder);
      throw error;
    });
  }

  #content(sha256: string): string {
    return contentPath(this.#layout.blobs, sha256);
  }

  #manifest(sha256: string): string {
    return manifestPath(this.#layout.blobs, sha256);
  }
}

/** What an open says when the bytes are not those of the digest, or not there. */
function isDamage(error: unknown): boolean {
  return ['ENOENT', 'MANIFEST_INVALID', 'BLOCK_CORRUPT'].some((code) => isNativeError(error, code));
}

async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isNativeError(error, 'ENOENT')) throw error;
  }
}
