import { LongshoreError } from '../errors.ts';
import { crc32c as crc32cOf } from '../native/crc32c.ts';
import type { Content } from '../native/content.ts';
import { isNativeError } from '../native/native-error.ts';
import type { PartFile, Persisted } from '../native/part-file.ts';
import { fieldInvalid } from './field-invalid.ts';
import { fileTooLarge } from './media-type.ts';
import { isStorageFull } from './storage-full.ts';
import type { UploadRecord } from './upload.ts';

/** A piece of content as a writer sends it; the segments are one contiguous run of bytes. */
export interface Piece {
  offset: number;
  segments: readonly Uint8Array[];
  bytes: number;
  crc32c: number | null;
}

const CROWDED_RETRY_MS = 1000;

/** What an open upload stands on. */
export interface OpenUploadParts {
  readonly part: PartFile;
  /** The most that a file of its type may hold. */
  readonly bytesMax: number;
  /** STORAGE_FULL for want of so many bytes. */
  readonly storageFull: (neededBytes: number, cause: unknown) => Promise<LongshoreError>;
}

/**
 * One upload while this process takes its bytes. A sequential one has a single writer at a time; a parallel one many.
 * Disk faults poison it: every later call fails the same way, and what was acknowledged before stays good.
 */
export class OpenUpload {
  readonly upload: UploadRecord;
  readonly #parts: OpenUploadParts;
  readonly #ended = new AbortController();
  /** Settles when the piece that is being compared has been; later ones wait, since they go on where it ends. */
  #comparing: Promise<unknown> | null = null;
  /** Writes that the part file has not settled. */
  readonly #writing = new Set<Promise<void>>();
  /** Pieces of a parallel upload that are not known to be on disk yet. */
  readonly #unsynced = new Set<Piece>();

  constructor(upload: UploadRecord, parts: OpenUploadParts) {
    this.upload = upload;
    this.#parts = parts;
  }

  /** Fires when this process no longer holds the upload; the reason is the error that its writers end with. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  get persisted(): Persisted {
    return this.part.persisted;
  }

  /** The part file itself, for placing it once it is finished. */
  get part(): PartFile {
    return this.#parts.part;
  }

  /**
   * Takes a piece; settles when it is written and hashed, which is not yet durable. What overlaps bytes that are here is
   * compared with them. Pieces may be given before earlier ones have settled.
   * Throws CHUNK_CORRUPT, OFFSET_MISMATCH, OVERLAP_DIFFERS, FILE_TOO_LARGE, FIELD_INVALID, RATE_LIMITED, STORAGE_FULL.
   */
  async write(piece: Piece): Promise<void> {
    this.#ended.signal.throwIfAborted();
    this.#checkSize(piece);
    // Another stream may have sent the same part: written anew it would not be there for a moment, though that one has its ack.
    while (this.#isUnsynced(piece)) await this.sync();
    while (this.#comparing) await this.#comparing;
    const here = this.#bytesHere(piece);
    if (here > 0) return this.#writeOverlapping(piece, here);
    if (piece.offset > this.part.nextOffset && !this.upload.parallel) {
      throw await this.#offsetMismatch(piece.offset);
    }
    await this.#take(piece);
  }

  /** Everything taken so far is on disk. Throws STORAGE_FULL. */
  async sync(): Promise<Persisted> {
    const covered = [...this.#unsynced];
    try {
      const persisted = await this.part.sync();
      for (const piece of covered) this.#unsynced.delete(piece);
      return persisted;
    } catch (error) {
      throw await this.#explain(error, this.#bytesMissing());
    }
  }

  /** All bytes are here: what they are. Throws UPLOAD_INCOMPLETE with how many are. */
  async finish(): Promise<Content> {
    const size = this.upload.totalSize ?? this.#receivedEnd();
    try {
      return await this.part.finish(size);
    } catch (error) {
      if (!isNativeError(error, 'INCOMPLETE') && !isNativeError(error, 'CHUNK_CHANGED')) {
        throw await this.#explain(error, this.#bytesMissing());
      }
      const persisted = await this.sync();
      throw new LongshoreError('UPLOAD_INCOMPLETE', `Only ${persisted.size} of ${size} bytes are here.`, {
        metadata: { persisted_size: String(persisted.size) },
        cause: error,
      });
    }
  }

  /** Gives the content its final name. Throws STORAGE_FULL. */
  async place(place: (part: PartFile) => Promise<{ existed: boolean }>): Promise<{ existed: boolean }> {
    try {
      return await place(this.part);
    } catch (error) {
      // What is missing then is not the part file's folder.
      throw isNativeError(error, 'ENOENT') ? error : await this.#explain(error, 0);
    }
  }

  /** Ends all its writers with `reason` and lets the part file go. */
  async end(reason: LongshoreError): Promise<void> {
    this.#ended.abort(reason);
    await this.part.close();
  }

  async #offsetMismatch(offset: number, cause?: unknown): Promise<LongshoreError> {
    const { size } = await this.sync();
    return new LongshoreError(
      'OFFSET_MISMATCH',
      `The upload holds ${size} bytes and takes nothing at offset ${offset}: go on from ${size}.`,
      { metadata: { persisted_size: String(size) }, cause },
    );
  }

  #checkSize(piece: Piece): void {
    const end = piece.offset + piece.bytes;
    const { totalSize } = this.upload;
    if (totalSize !== null && end > totalSize) {
      throw fieldInvalid('chunk', `ends at ${end}, beyond the upload's total_size of ${totalSize}`);
    }
    const { bytesMax } = this.#parts;
    if (end > bytesMax) throw fileTooLarge(this.upload.file.mediaType, bytesMax);
  }

  #isUnsynced({ offset, bytes }: Piece): boolean {
    for (const other of this.#unsynced) {
      if (offset < other.offset + other.bytes && other.offset < offset + bytes) return true;
    }
    return false;
  }

  /** How many bytes of the piece's beginning were received before. */
  #bytesHere({ offset, bytes }: Piece): number {
    const here = this.part.nextOffset - offset;
    if (here > 0 || !this.upload.parallel) return Math.min(Math.max(here, 0), bytes);
    const range = this.persisted.ranges.find((each) => each.offset <= offset && offset < rangeEnd(each));
    return range ? Math.min(rangeEnd(range) - offset, bytes) : 0;
  }

  /** Compares what is already here and takes the rest. */
  async #writeOverlapping(piece: Piece, here: number): Promise<void> {
    checkCrc(piece);
    const [old, rest] = split(piece.segments, here);
    const comparing = this.part.matches(piece.offset, old);
    this.#comparing = comparing.catch(() => undefined);
    try {
      if (!(await comparing)) throw overlapDiffers(piece.offset);
    } catch (error) {
      throw await this.#explain(error, 0);
    } finally {
      this.#comparing = null;
    }
    if (here === piece.bytes) return;
    const left = { offset: piece.offset + here, segments: rest, bytes: piece.bytes - here, crc32c: null };
    await this.#take(left);
  }

  async #take(piece: Piece): Promise<void> {
    try {
      const writing = this.part.write(piece.offset, piece.segments, piece.crc32c);
      this.#writing.add(writing);
      if (this.upload.parallel) this.#unsynced.add(piece);
      await writing.finally(() => this.#writing.delete(writing));
    } catch (error) {
      this.#unsynced.delete(piece);
      if (isNativeError(error, 'CHUNK_CORRUPT')) throw chunkCorrupt(piece.offset, error);
      if (isNativeError(error, 'OFFSET_MISMATCH')) throw await this.#offsetMismatch(piece.offset, error);
      if (isNativeError(error, 'ABORTED')) throw await this.#crowdedOut(piece, error);
      throw await this.#explain(error, piece.bytes);
    }
  }

  /** A piece that had no place to go: one before it failed, whose writer hears of that first, or there are too many. */
  async #crowdedOut(piece: Piece, cause: unknown): Promise<LongshoreError> {
    const before = await Promise.allSettled(this.#writing);
    const failed = before.some(({ status }) => status === 'rejected');
    if (failed) return this.#offsetMismatch(piece.offset, cause);
    return new LongshoreError('RATE_LIMITED', 'Too many parts of this upload are under way.', {
      retryAfterMs: CROWDED_RETRY_MS,
      cause,
    });
  }

  #receivedEnd(): number {
    const last = this.persisted.ranges.at(-1);
    return Math.max(this.part.nextOffset, last ? rangeEnd(last) : 0);
  }

  #bytesMissing(): number {
    return Math.max((this.upload.totalSize ?? this.part.nextOffset) - this.persisted.size, 0);
  }

  /** What the part file's error means to a writer. */
  async #explain(error: unknown, neededBytes: number): Promise<unknown> {
    const letGo = isNativeError(error, 'CLOSED') || isNativeError(error, 'ENOENT');
    if (letGo && this.#ended.signal.aborted) return this.#ended.signal.reason;
    if (isNativeError(error, 'ENOENT')) return goneElsewhere(error);
    if (isStorageFull(error)) return this.#parts.storageFull(neededBytes, error);
    return error;
  }
}

/** Its folder is removed when an upload ends, before those hear of it who hold it in other processes. */
function goneElsewhere(cause: unknown): LongshoreError {
  return new LongshoreError('UPLOAD_CLOSED', 'The upload was ended by another call.', { cause });
}

function rangeEnd({ offset, length }: { offset: number; length: number }): number {
  return offset + length;
}

function checkCrc(piece: Piece): void {
  if (piece.crc32c === null) return;
  let crc = 0;
  for (const segment of piece.segments) crc = crc32cOf(segment, crc);
  if (crc !== piece.crc32c) throw chunkCorrupt(piece.offset);
}

function chunkCorrupt(offset: number, cause?: unknown): LongshoreError {
  return new LongshoreError(
    'CHUNK_CORRUPT',
    `The chunk at offset ${offset} does not match its CRC32C: send it again.`,
    {
      metadata: { offset: String(offset) },
      cause,
    },
  );
}

function overlapDiffers(offset: number): LongshoreError {
  return new LongshoreError(
    'OVERLAP_DIFFERS',
    `The bytes at offset ${offset} differ from those that were acknowledged there.`,
    { metadata: { offset: String(offset) } },
  );
}

/** Cuts a run of segments after `bytes` bytes, without copying. */
function split(segments: readonly Uint8Array[], bytes: number): [Uint8Array[], Uint8Array[]] {
  const before: Uint8Array[] = [];
  const after: Uint8Array[] = [];
  let left = bytes;
  for (const segment of segments) {
    const cut = Math.min(left, segment.length);
    if (cut > 0) before.push(segment.subarray(0, cut));
    if (cut < segment.length) after.push(segment.subarray(cut));
    left -= cut;
  }
  return [before, after];
}
