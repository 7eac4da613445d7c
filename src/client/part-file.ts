import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ContentDigest } from './content-digest.ts';
import type { Destination } from './destination.ts';

/** What a file is called until all of it is there and verified. */
const PART_SUFFIX = '.longshore-part';

const READ_BYTES = 1024 * 1024;

/** A file that appears under its own name only whole, verified and on disk. */
export class PartFile implements Destination {
  readonly #path: string;
  readonly #handle: FileHandle;
  #sizeBytes: number;

  private constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
  }

  /** An empty one, whatever lay there before. */
  static async create(path: string): Promise<PartFile> {
    return new PartFile(path, await open(path + PART_SUFFIX, 'w+'), 0);
  }

  /** What an earlier attempt left, or null when there is nothing. */
  static async reopen(path: string): Promise<PartFile | null> {
    const handle = await open(path + PART_SUFFIX, 'r+').catch(() => null);
    if (handle === null) return null;
    const stats = await handle.stat();
    return new PartFile(path, handle, stats.size);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Reads what is there back from the disk: nothing else proves it. */
  async hashInto(
    digest: ContentDigest,
    signal: AbortSignal | undefined,
    onHashed: (bytesDone: number) => void,
  ): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (let at = 0; at < this.#sizeBytes;) {
      signal?.throwIfAborted();
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new Error(`"${this.#path}${PART_SUFFIX}" became shorter while it was read.`);
      digest.add(at, buffer.subarray(0, bytesRead));
      at += bytesRead;
      onHashed(at);
    }
  }

  async write(content: Buffer): Promise<void> {
    for (let done = 0; done < content.length;) {
      const { bytesWritten } = await this.#handle.write(
        content,
        done,
        content.length - done,
        this.#sizeBytes,
      );
      done += bytesWritten;
      this.#sizeBytes += bytesWritten;
    }
  }

  async restart(): Promise<boolean> {
    await this.#handle.truncate(0);
    this.#sizeBytes = 0;
    return true;
  }

  async commit(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#path + PART_SUFFIX, this.#path);
    await syncFolder(dirname(this.#path));
  }

  async abandon(resumable: boolean): Promise<void> {
    await this.#handle.close();
    if (!resumable || this.#sizeBytes === 0) await rm(this.#path + PART_SUFFIX, { force: true });
  }
}

/** Makes the rename last through a power cut. Where folders cannot be synced (Windows) the rename has to do. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => null);
  if (handle === null) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
}
