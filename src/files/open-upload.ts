import { LongshoreError } from '../errors.ts';
import { crc32c as crc32cOf } from '../native/crc32c.ts';
import type { Content } from '../native/content.ts';
import { isNativeError } from '../native/native-error.ts';
import type { PartFile, Persisted } from '../native/part-file.ts';
import { fieldInvalid } from './field-invalid.ts';
import { fileTooLarge } from './media-type.ts';
import type { UploadRecord } from './upload.ts';

/** A piece of content as a writer sends it; the segments are one contiguous run of bytes. */
export interface Piece {
  offset: number;
  segments: readonly Uint8Array[];
  bytes: number;
  crc32c: number | null;
}

/**
 * One upload while this process takes its bytes. A sequential one has a single writer at a time; a parallel one many.
 * Disk faults poison it: every later call fails the same way, and what was acknowledged before stays good.
 */
export class OpenUpload {
  readonly upload: UploadRecord;
  readonly #part: PartFile;
  readonly #bytesMax: number;
  readonly #ended = new AbortController();

  /** `bytesMax`: the most that a file of its type may hold. */
  constructor(upload: UploadRecord, part: PartFile, bytesMax: number) {
    this.upload = upload;
    this.#part = part;
    this.#bytesMax = bytesMax;
  }

  /** Fires when this process no longer holds the upload; the reason is the error that its writers end with. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  get persisted(): Persisted {
    return this.#part.persisted;
  }

  /** Where a sequential writer goes on. */
  get nextOffset(): number {
    return this.#part.nextOffset;
  }

  /**
   * Takes a piece; settles when it is written and hashed, which is not yet durable. What overlaps bytes that are here is
   * compared with them. Throws CHUNK_CORRUPT, OFFSET_MISMATCH, OVERLAP_DIFFERS, FILE_TOO_LARGE, FIELD_INVALID.
   */
  async write(piece: Piece): Promise<void> {
    this.#ended.signal.throwIfAborted();
    this.#checkSize(piece);
    if (this.upload.parallel) return this.#writeAnywhere(piece);
    if (piece.offset > this.#part.nextOffset) throw await this.offsetMismatch(piece.offset);
    if (piece.offset < this.#part.nextOffset) return this.#writeOverlapping(piece);
    await this.#take(piece);
  }

  /** Everything taken so far is on disk. */
  async sync(): Promise<Persisted> {
    return this.#part.sync();
  }

  /** All bytes are here: what they are. Throws UPLOAD_INCOMPLETE with how many are. */
  async finish(): Promise<Content> {
    const size = this.upload.totalSize ?? this.#part.nextOffset;
    try {
      return await this.#part.finish(size);
    } catch (error) {
      if (!isNativeError(error, 'INCOMPLETE') && !isNativeError(error, 'CHUNK_CHANGED')) throw error;
      const persisted = await this.#part.sync();
      throw new LongshoreError('UPLOAD_INCOMPLETE', `Only ${persisted.size} of ${size} bytes are here.`, {
        metadata: { persisted_size: String(persisted.size) },
        cause: error,
      });
    }
  }

  /** The part file itself, for placing it once it is finished. */
  get part(): PartFile {
    return this.#part;
  }

  /** Ends all its writers with `reason` and lets the part file go. */
  async end(reason: LongshoreError): Promise<void> {
    this.#ended.abort(reason);
    await this.#part.close();
  }

  async offsetMismatch(offset: number): Promise<LongshoreError> {
    const { size } = await this.#part.sync();
    return new LongshoreError(
      'OFFSET_MISMATCH',
      `The upload holds ${size} bytes and takes nothing at offset ${offset}: go on from ${size}.`,
      { metadata: { persisted_size: String(size) } },
    );
  }

  #checkSize(piece: Piece): void {
    const end = piece.offset + piece.bytes;
    const { totalSize } = this.upload;
    if (totalSize !== null && end > totalSize) {
      throw fieldInvalid('chunk', `ends at ${end}, beyond the upload's total_size of ${totalSize}`);
    }
    if (end > this.#bytesMax) throw fileTooLarge(this.upload.file.mediaType, this.#bytesMax);
  }

  /** Compares what is already here and takes the rest. */
  async #writeOverlapping(piece: Piece): Promise<void> {
    const here = Math.min(this.#part.nextOffset - piece.offset, piece.bytes);
    checkCrc(piece);
    const [old, rest] = split(piece.segments, here);
    if (!(await this.#part.matches(piece.offset, old))) throw overlapDiffers(piece.offset);
    if (here === piece.bytes) return;
    await this.#take({
      offset: piece.offset + here,
      segments: rest,
      bytes: piece.bytes - here,
      crc32c: null,
    });
  }

  async #writeAnywhere(piece: Piece): Promise<void> {
    const end = piece.offset + piece.bytes;
    const whole = this.#part.persisted.ranges.find(
      ({ offset, length }) => offset <= piece.offset && end <= offset + length,
    );
    if (!whole) return this.#take(piece);
    checkCrc(piece);
    if (!(await this.#part.matches(piece.offset, piece.segments))) throw overlapDiffers(piece.offset);
  }

  async #take(piece: Piece): Promise<void> {
    try {
      await this.#part.write(piece.offset, piece.segments, piece.crc32c);
    } catch (error) {
      if (isNativeError(error, 'CHUNK_CORRUPT')) throw chunkCorrupt(piece.offset, error);
      if (isNativeError(error, 'OFFSET_MISMATCH')) throw await this.offsetMismatch(piece.offset);
      throw error;
    }
  }
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
