import { checkByteCount, checkBytes, checkPath } from './arguments.ts';
import { binding, type NativeBlobReader } from './binding.ts';

/** Where a message stands in its frame buffer, and the CRC32C of its content. */
export interface FrameBounds {
  readonly start: number;
  readonly end: number;
  readonly crc32c: number;
}

/** Reads a stored blob and compares every block with its manifest before a byte is given out. Serves many streams at once. */
export interface BlobReader extends AsyncDisposable {
  readonly size: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
  /** 32 bytes for each 1 MiB chunk. */
  readonly chunkDigests: Buffer;
  /**
   * Fills `frame` with one complete gRPC message, `frame.subarray(start, end)`: the 5-byte prefix and a ReadFileResponse whose
   * `data` holds `offset` and a Chunk of [offset, offset + length) with its CRC32C.
   * The range must lie in the content; `frame` holds at least `frameBytes(length)` and belongs to the core until the promise settles.
   * @throws BLOCK_CORRUPT {chunk, offset}, CLOSED, EIO
   */
  readFrame(offset: number, length: number, frame: Buffer): Promise<FrameBounds>;
  /** The plain bytes, with the same checks. For small reads: the content is allocated. */
  read(offset: number, length: number): Promise<{ content: Buffer; crc32c: number }>;
  /** Reads under way still end well; later ones are refused with CLOSED. May be called again. */
  close(): Promise<void>;
}

/** @throws MANIFEST_INVALID, ENOENT, BLOCK_CORRUPT when the file's size is not the manifest's */
export async function openBlobReader(contentPath: string, manifestPath: string): Promise<BlobReader> {
  checkPath('contentPath', contentPath);
  checkPath('manifestPath', manifestPath);
  return new CheckedBlobReader(await binding.openBlobReader(contentPath, manifestPath));
}

/** How large a frame buffer must be for `contentBytes` of content. */
export function frameBytes(contentBytes: number): number {
  checkByteCount('contentBytes', contentBytes);
  return binding.frameBytes(contentBytes);
}

class CheckedBlobReader implements BlobReader {
  readonly size: number;
  readonly sha256: string;
  readonly chunkDigests: Buffer;
  readonly #native: NativeBlobReader;

  constructor(native: NativeBlobReader) {
    this.#native = native;
    this.size = native.size;
    this.sha256 = native.sha256;
    this.chunkDigests = native.chunkDigests;
  }

  readFrame(offset: number, length: number, frame: Buffer): Promise<FrameBounds> {
    this.#checkRange(offset, length);
    checkBytes('frame', frame);
    if (frame.length < binding.frameBytes(length)) {
      throw new RangeError(`frame: ${frame.length} bytes do not hold a message of ${length}`);
    }
    return this.#native.readFrame(offset, length, frame);
  }

  read(offset: number, length: number): Promise<{ content: Buffer; crc32c: number }> {
    this.#checkRange(offset, length);
    return this.#native.read(offset, length);
  }

  close(): Promise<void> {
    return this.#native.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#native.close();
  }

  #checkRange(offset: number, length: number): void {
    checkByteCount('offset', offset);
    checkByteCount('length', length);
    if (offset + length > this.size) {
      throw new RangeError(`range: ${offset} + ${length} is beyond the ${this.size} bytes of the blob`);
    }
  }
}
