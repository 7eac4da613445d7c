import type { BlobReader } from '../native/blob-reader.ts';
import { crc32cCombine } from '../native/crc32c.ts';
import type { ReadFileResponse } from '../gen/longshore/v1/ReadFileResponse.ts';
import { type FramePool, FRAME_CONTENT_BYTES_MIN, type Frame } from './frame-pool.ts';
import { FramedMessage } from './hot-calls.ts';
import type { MessageSink } from './message-sink.ts';

/** Frames of one stream: one being filled, the others on their way out. A stream begins with one. */
const FRAMES_MAX = 3;

interface Slot {
  frame: Frame | null;
  /** Settles when the frame's bytes have been handed to the socket. */
  sent: Promise<void>;
}

/**
 * Sends [offset, end) of a blob as ReadData messages, each filled in place off the event loop; the next is read while
 * the last is sent. Ends at the first block that is not what was stored, before a byte of it is sent.
 * Returns the CRC32C of all that was sent.
 */
export async function sendContent(
  reader: BlobReader,
  range: { offset: number; end: number },
  chunkBytes: number,
  sink: MessageSink<ReadFileResponse | FramedMessage>,
  pool: FramePool,
): Promise<number> {
  const slots: Slot[] = Array.from({ length: FRAMES_MAX }, () => ({ frame: null, sent: Promise.resolve() }));
  let crc32c = 0;
  // A reader that does not read holds one small frame: more and larger ones come as it shows that it does.
  let wantedBytes = FRAME_CONTENT_BYTES_MIN;
  try {
    for (let at = range.offset, turn = 0; at < range.end; turn += 1) {
      const slot = slots[turn % FRAMES_MAX]!;
      await slot.sent;
      if (slot.frame && slot.frame.contentBytes < wantedBytes) release(slot, pool);
      slot.frame ??= pool.take(wantedBytes);
      const bytes = Math.min(pieceEnd(at, slot.frame.contentBytes), range.end) - at;
      const filled = await reader.readFrame(at, bytes, slot.frame.buffer);
      slot.sent = sink.write(new FramedMessage(slot.frame.buffer.subarray(filled.start, filled.end)));
      // Whoever awaits the slot hears of it; until then it must not count as unheard.
      slot.sent.catch(() => undefined);
      if (wantedBytes < chunkBytes) await slot.sent;
      crc32c = crc32cCombine(crc32c, filled.crc32c, bytes);
      at += bytes;
      wantedBytes = Math.min(wantedBytes * 4, chunkBytes);
    }
    await Promise.all(slots.map((slot) => slot.sent));
    for (const slot of slots) release(slot, pool);
    return crc32c;
  } catch (error) {
    for (const slot of slots) if (slot.frame) pool.drop(slot.frame);
    throw error;
  }
}

function release(slot: Slot, pool: FramePool): void {
  if (slot.frame) pool.give(slot.frame);
  slot.frame = null;
}

/** Pieces end at multiples of their size, so that all but the first begin and end with a stored block. */
function pieceEnd(at: number, contentBytes: number): number {
  return (Math.floor(at / contentBytes) + 1) * contentBytes;
}
