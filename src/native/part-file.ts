import { checkByteCount, checkCrc32c, checkPath, checkSegments } from './arguments.ts';
import { binding, type NativePartFile } from './binding.ts';
import type { Content } from './content.ts';

/** What survives a power cut. */
export interface Persisted {
  /** Bytes of the durable prefix: [0, size) is on disk. */
  readonly size: number;
  /** CRC32C of that prefix. */
  readonly crc32c: number;
  /** All durable ranges, merged and ascending; ahead of the prefix in whole chunks, or up to the total. */
  readonly ranges: readonly { readonly offset: number; readonly length: number }[];
}

export interface PartFileOptions {
  /** Folder of this upload or download; made (and its parent synced) when it is not there. */
  readonly folder: string;
  /** Names the journal of this opening: letters, digits, `-` and `_`. One opening at a time may use it. */
  readonly session: string;
  /** True: one writer, in order, and everybody else gets LOCKED. False: several openers, also in other processes, each with its own session. */
  readonly exclusive: boolean;
  /** When known, room for this many bytes is taken at once (ENOSPC here, not half-way). */
  readonly totalBytes: number | null;
}

/**
 * A file being received: written, hashed and synced off the event loop, resumable after any kind of death.
 *
 * Exclusive: writes come in order, each at `nextOffset`. Shared: a write starts a run at any multiple of 1 MiB or continues one;
 * several runs grow at once, those ahead of the frontier are durable in whole chunks.
 * After EIO, ENOSPC or any other failed write or sync the object is poisoned: every later call rejects with that error.
 */
export interface PartFile extends AsyncDisposable {
  /** As of the last sync; at open, what the journals say. */
  readonly persisted: Persisted;
  /** Where the next byte of a sequential writer goes: the end of what has been received without a gap. */
  readonly nextOffset: number;
  /**
   * Checks the CRC (null: none was sent), writes, hashes; settles when all three are done.
   * `segments` are one contiguous piece. They belong to the core until the promise settles: leave their bytes alone.
   * @throws CHUNK_CORRUPT (nothing was taken, the object is still good), OFFSET_MISMATCH, ABORTED (queued behind a write that failed), CLOSED, ENOSPC, EIO
   */
  write(offset: number, segments: readonly Uint8Array[], crc32c: number | null): Promise<void>;
  /** True when the file already holds exactly these bytes there; false when they differ or reach beyond what was received. */
  matches(offset: number, segments: readonly Uint8Array[]): Promise<boolean>;
  /** Everything written before this call is on disk when it resolves: content first, then the journal that says so. Concurrent calls share one. */
  sync(): Promise<Persisted>;
  /**
   * Ends the writing: the digests of [0, size). Chunks that were written ahead and not yet followed are read back and compared.
   * May be called again, also after INCOMPLETE or CHUNK_CHANGED has been mended.
   * @throws INCOMPLETE, SIZE_MISMATCH, CHUNK_CHANGED
   */
  finish(size: number): Promise<Content>;
  /**
   * After finish: makes the content durable under its final name, with its manifest. In this order: fsync content, write and fsync the manifest
   * beside it, rename the manifest, rename the content, fsync the folder of the final names, fsync this folder. The content's name is the claim: whoever sees it finds a manifest.
   */
  publish(blobPath: string, manifestPath: string): Promise<void>;
  /** Waits for what is under way, then lets go of descriptors and lock. What was not synced is lost knowingly. May be called again. */
  close(): Promise<void>;
}

/** Opens or makes a part file and takes up what earlier openings left. @throws LOCKED, ENOSPC, EACCES, ... */
export async function openPartFile(options: PartFileOptions): Promise<PartFile> {
  checkPath('folder', options.folder);
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(options.session)) {
    throw new TypeError(`session: ${JSON.stringify(options.session)} is not 1 to 64 letters, digits, - or _`);
  }
  if (options.totalBytes !== null) checkByteCount('totalBytes', options.totalBytes);
  return new CheckedPartFile(
    await binding.openPartFile(options.folder, options.session, options.exclusive, options.totalBytes),
  );
}

/** What a folder's journals say, without taking its lock; from any process. An absent folder is an empty one. */
export function inspectPartFile(folder: string): Promise<Persisted> {
  checkPath('folder', folder);
  return binding.inspectPartFile(folder);
}

/** Checks what JavaScript hands over, so that the native side sees clean values only. */
class CheckedPartFile implements PartFile {
  readonly #native: NativePartFile;

  constructor(native: NativePartFile) {
    this.#native = native;
  }

  get persisted(): Persisted {
    return this.#native.persisted;
  }

  get nextOffset(): number {
    return this.#native.nextOffset;
  }

  write(offset: number, segments: readonly Uint8Array[], crc32c: number | null): Promise<void> {
    checkByteCount('offset', offset);
    if (crc32c !== null) checkCrc32c(crc32c);
    return this.#native.write(offset, checkSegments(segments), crc32c);
  }

  matches(offset: number, segments: readonly Uint8Array[]): Promise<boolean> {
    checkByteCount('offset', offset);
    return this.#native.matches(offset, checkSegments(segments));
  }

  sync(): Promise<Persisted> {
    return this.#native.sync();
  }

  finish(size: number): Promise<Content> {
    checkByteCount('size', size);
    return this.#native.finish(size);
  }

  publish(blobPath: string, manifestPath: string): Promise<void> {
    checkPath('blobPath', blobPath);
    checkPath('manifestPath', manifestPath);
    return this.#native.publish(blobPath, manifestPath);
  }

  close(): Promise<void> {
    return this.#native.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#native.close();
  }
}
