import type { BlobReader, FrameBounds } from '../native/blob-reader.ts';
import { crc32cCombine } from '../native/crc32c.ts';
import type { ReadFileResponse } from '../gen/longshore/v1/ReadFileResponse.ts';
import { type FramePool, FRAME_CONTENT_BYTES_MIN, type Frame } from './frame-pool.ts';
import { FramedMessage } from './hot-calls.ts';
import type { MessageSink } from './message-sink.ts';

/** Frames of one stream: two being filled, two on their way out. A stream begins with one. */
const FRAMES_MAX = 4;

/**
 * Sends [offset, end) of a blob as ReadData messages, each filled in place off the event loop; the next ones are read while
 * the last are sent. Ends at the first block that is not what was stored, before a byte of it is sent.
 * Returns the CRC32C of all that was sent.
 */
export async function sendContent(
  reader: BlobReader,
  range: { offset: number; end: number },
  chunkBytes: number,
  sink: MessageSink<ReadFileResponse | FramedMessage>,
  pool: FramePool,
): Promise<number> {
  const stream = new ContentStream(reader, sink, pool);
  // A reader that does not read holds one small frame: more and larger ones come as it shows that it does.
  let wantedBytes = FRAME_CONTENT_BYTES_MIN;
  try {
    for (let at = range.offset; at < range.end;) {
      const filled = await stream.fill(at, range.end, wantedBytes);
      at = filled.end;
      // Still climbing, or memory is short: one frame at a time.
      if (wantedBytes < chunkBytes || filled.short) await stream.settle();
      else await stream.sendAllButNewest();
      wantedBytes = Math.min(wantedBytes * 4, chunkBytes);
    }
    await stream.settle();
    return stream.crc32c;
  } catch (error) {
    stream.drop();
    throw error;
  }
}

interface Slot {
  frame: Frame | null;
  /** Settles when the frame's bytes have been handed to the socket. */
  sent: Promise<void>;
}

interface Filled {
  readonly slot: Slot;
  readonly bounds: Promise<FrameBounds>;
  readonly bytes: number;
}

/** The frames of one stream, filled side by side and sent in order. */
class ContentStream {
  crc32c = 0;
  readonly #reader: BlobReader;
  readonly #sink: MessageSink<ReadFileResponse | FramedMessage>;
  readonly #pool: FramePool;
  readonly #slots: Slot[] = Array.from({ length: FRAMES_MAX }, () => ({
    frame: null,
    sent: Promise.resolve(),
  }));
  #turn = 0;
  #filled: Filled[] = [];

  constructor(reader: BlobReader, sink: MessageSink<ReadFileResponse | FramedMessage>, pool: FramePool) {
    this.#reader = reader;
    this.#sink = sink;
    this.#pool = pool;
  }

  /** Begins to fill the next frame from `at`, when it is free: up to which offset, and whether it is one for want of memory. */
  async fill(at: number, end: number, wantedBytes: number): Promise<{ end: number; short: boolean }> {
    const slot = this.#slots[this.#turn++ % FRAMES_MAX]!;
    await slot.sent;
    if (slot.frame && slot.frame.contentBytes < wantedBytes) this.#release(slot);
    slot.frame ??= this.#pool.take(wantedBytes);
    const bytes = Math.min(pieceEnd(at, slot.frame.contentBytes), end) - at;
    const bounds = this.#reader.readFrame(at, bytes, slot.frame.buffer);
    // Whoever sends it hears of a failure; until then it must not count as unheard. The same goes for what is sent.
    bounds.catch(() => undefined);
    this.#filled.push({ slot, bounds, bytes });
    const short =
      slot.frame.contentBytes === FRAME_CONTENT_BYTES_MIN && wantedBytes > FRAME_CONTENT_BYTES_MIN;
    return { end: at + bytes, short };
  }

  /** Hands frames to the socket, in order, but for the one that was begun last. */
  async sendAllButNewest(): Promise<void> {
    while (this.#filled.length > 1) await this.#sendOldest();
  }

  /** Everything begun is filled and has gone, and its frames are given back. */
  async settle(): Promise<void> {
    while (this.#filled.length > 0) await this.#sendOldest();
    await Promise.all(this.#slots.map((slot) => slot.sent));
    for (const slot of this.#slots) this.#release(slot);
  }

  /** The socket, or the core, may still be at the frames' memory: nobody else gets it. */
  drop(): void {
    for (const { frame } of this.#slots) if (frame) this.#pool.drop(frame);
  }

  async #sendOldest(): Promise<void> {
    const [oldest] = this.#filled;
    if (!oldest?.slot.frame) return;
    const { start, end, crc32c } = await oldest.bounds;
    this.#filled.shift();
    const { slot, bytes } = oldest;
    slot.sent = this.#sink.write(new FramedMessage(oldest.slot.frame.buffer.subarray(start, end)));
    slot.sent.catch(() => undefined);
    this.crc32c = crc32cCombine(this.crc32c, crc32c, bytes);
  }

  #release(slot: Slot): void {
    if (slot.frame) this.#pool.give(slot.frame);
    slot.frame = null;
  }
}

/** Pieces end at multiples of their size, so that all but the first begin and end with a stored block. */
function pieceEnd(at: number, contentBytes: number): number {
  return (Math.floor(at / contentBytes) + 1) * contentBytes;
}
