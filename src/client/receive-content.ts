import type { ClientReadableStream } from '@grpc/grpc-js';
import { LongshoreClientError } from './client-error.ts';
import { crc32c } from './crc32c.ts';
import { fromCallError } from './error-details.ts';
import type { DigestMessage, ReadDataMessage, ReadFileResponse, ReadHeaderMessage } from './messages.ts';

export interface ReceivePlan {
  /** A server that sends nothing for so long, not even a heartbeat, is taken for gone. */
  readonly stallTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Once, before any content; returns the offset that the first byte must have. */
  readonly onHeader: (header: ReadHeaderMessage) => Promise<number>;
  /** In order and without a gap, each checked against its CRC. The next one waits for the promise. */
  readonly onContent: (content: Buffer) => Promise<void>;
}

export interface ReceivedTrailer {
  /** Of the whole file, verified by the server; null where it did not read the whole. */
  readonly digest: DigestMessage | null;
  readonly rangeCrc32c: number;
}

/**
 * Takes one read stream to its trailer. Rejects with what the stream ended with, with what a handler threw, or with the
 * signal's reason; everything that was handed to `onContent` before is good.
 */
export async function receiveContent(
  call: ClientReadableStream<ReadFileResponse>,
  plan: ReceivePlan,
): Promise<ReceivedTrailer> {
  let stalled = false;
  let ended = false;
  let stallTimer: NodeJS.Timeout | undefined;
  const abort = (): void => call.cancel();
  plan.signal?.addEventListener('abort', abort, { once: true });
  const frames: AsyncIterator<ReadFileResponse> = call[Symbol.asyncIterator]();

  const nextFrame = async (): Promise<ReadFileResponse | undefined> => {
    stallTimer = setTimeout(() => {
      stalled = true;
      call.cancel();
    }, plan.stallTimeoutMs);
    try {
      const { done, value } = await frames.next();
      return done === true ? undefined : value;
    } finally {
      clearTimeout(stallTimer);
    }
  };

  try {
    plan.signal?.throwIfAborted();
    let position: number | undefined;
    let trailer: ReceivedTrailer | undefined;
    for (let frame = await nextFrame(); frame !== undefined; frame = await nextFrame()) {
      if (frame.header) position = await plan.onHeader(frame.header);
      else if (frame.data) {
        const content = checked(frame.data, position);
        await plan.onContent(content);
        position = frame.data.offset + content.length;
      } else if (frame.trailer) trailer = frame.trailer;
    }
    ended = true;
    if (trailer !== undefined) return trailer;
    throw new LongshoreClientError('UNAVAILABLE', '', 'The server ended the stream before its end.');
  } catch (error) {
    plan.signal?.throwIfAborted();
    if (stalled) {
      const seconds = plan.stallTimeoutMs / 1000;
      throw new LongshoreClientError('UNAVAILABLE', '', `The server sent nothing for ${seconds} s.`);
    }
    throw fromCallError(error);
  } finally {
    plan.signal?.removeEventListener('abort', abort);
    if (!ended) call.cancel();
  }
}

function checked(data: ReadDataMessage, position: number | undefined): Buffer {
  if (data.offset !== position) {
    throw new LongshoreClientError(
      'DATA_LOSS',
      'OFFSET_MISMATCH',
      `The server sent byte ${data.offset} where ${position} was due.`,
    );
  }
  const content = data.chunk?.content ?? Buffer.alloc(0);
  const promised = data.chunk?.crc32c;
  if (promised !== undefined && crc32c(content) !== promised) {
    throw new LongshoreClientError('DATA_LOSS', 'CHUNK_CORRUPT', 'A chunk was damaged on the way.', {
      metadata: { offset: String(data.offset) },
    });
  }
  return content;
}
