import { frameBytes } from '../native/blob-reader.ts';

/** A buffer for one message of a read stream. */
export interface Frame {
  readonly buffer: Buffer;
  /** How much content it takes. */
  readonly contentBytes: number;
}

/** Content sizes of frames; a stream climbs them while its reader keeps up and memory allows. */
const SIZES = [64 * 2 ** 10, 256 * 2 ** 10, 2 ** 20, 2 * 2 ** 20] as const;
export const FRAME_CONTENT_BYTES_MIN = SIZES[0];
export const FRAME_CONTENT_BYTES_MAX = SIZES[3];

/** Free buffers kept for the next stream. */
const FREE_BYTES_MAX = 32 * 2 ** 20;

/**
 * The memory of all read streams together. Past its budget streams get the smallest frame, never none: a thousand readers
 * that stall hold a thousand small frames. Buffers are used again, because making one of 1 MiB costs more than filling it.
 */
export class FramePool {
  readonly #bytesMax: number;
  readonly #onChange: (usedBytes: number) => void;
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;
  #usedBytes = 0;

  constructor(bytesMax: number, onChange: (usedBytes: number) => void) {
    this.#bytesMax = bytesMax;
    this.#onChange = onChange;
  }

  /** A frame for `contentBytes`, or a smaller one when memory is getting short. */
  take(contentBytes: number): Frame {
    const allowed = (size: number) => size <= contentBytes && this.#usedBytes + size <= this.#share(size);
    const size = SIZES.findLast(allowed) ?? FRAME_CONTENT_BYTES_MIN;
    const free = this.#free.get(size)?.pop();
    if (free) this.#freeBytes -= free.length;
    const buffer = free ?? Buffer.allocUnsafeSlow(frameBytes(size));
    this.#count(buffer.length);
    return { buffer, contentBytes: size };
  }

  /** Gives a frame back whose bytes nobody reads any more. */
  give(frame: Frame): void {
    this.drop(frame);
    if (this.#freeBytes + frame.buffer.length > FREE_BYTES_MAX) return;
    const free = this.#free.get(frame.contentBytes) ?? [];
    this.#free.set(frame.contentBytes, free);
    free.push(frame.buffer);
    this.#freeBytes += frame.buffer.length;
  }

  /** Forgets a frame that the socket may still be sending from: it is not used again. */
  drop(frame: Frame): void {
    this.#count(-frame.buffer.length);
  }

  /** Large frames leave room for those of the streams that come after. */
  #share(size: number): number {
    return size > SIZES[1] ? this.#bytesMax / 2 : (this.#bytesMax * 3) / 4;
  }

  #count(bytes: number): void {
    this.#usedBytes += bytes;
    this.#onChange(this.#usedBytes);
  }
}
