import type { ClientDuplexStream } from '@grpc/grpc-js';
import { LongshoreClientError } from './client-error.ts';
import type { ContentSource } from './content-source.ts';
import { crc32c } from './crc32c.ts';
import { fromCallError } from './error-details.ts';
import type { DigestMessage, FileMessage, WriteUploadRequest, WriteUploadResponse } from './messages.ts';

/** Chunks handed to the connection that have not left it: what a stalled server can make us hold. */
const CHUNKS_IN_FLIGHT_MAX = 4;

export interface SendPlan {
  readonly upload: string;
  readonly source: ContentSource;
  /** What the server has: the first byte to send. */
  readonly from: number;
  readonly chunkBytes: number;
  /** A server that acknowledges nothing for so long though it was sent something is taken for gone. */
  readonly stallTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Each chunk on its way out, in order. */
  readonly onRead: (offset: number, content: Uint8Array) => void;
  /** The server has everything before this on disk. */
  readonly onAcknowledged: (persistedSize: number) => void;
  /** Asked once, when the last byte has been read. */
  readonly finalDigest: () => DigestMessage;
}

/**
 * Sends the rest of an upload over one stream and finishes it. Rejects with what the stream ended with (the upload itself
 * is still there and can be resumed), with the source's error, or with the signal's reason.
 */
export async function sendContent(
  open: () => ClientDuplexStream<WriteUploadRequest, WriteUploadResponse>,
  plan: SendPlan,
): Promise<FileMessage> {
  // Before the stream is opened: a source that is slow to begin must not look like a writer that stalls.
  const firstContent = await plan.source.read(plan.from, plan.chunkBytes, plan.signal);
  const call = open();
  const stop = new AbortController();
  let inFlight = 0;
  let roomMade: () => void = () => undefined;
  let sentTo = plan.from;
  let acknowledgedTo = plan.from;
  let finishing = false;
  let succeeded = false;
  let stallTimer: NodeJS.Timeout | undefined;

  const watchStall = (): void => {
    clearTimeout(stallTimer);
    if (stop.signal.aborted || (sentTo === acknowledgedTo && !finishing)) return;
    stallTimer = setTimeout(() => stop.abort(stalled(plan.stallTimeoutMs)), plan.stallTimeoutMs);
  };

  const answer = new Promise<FileMessage>((resolve, reject) => {
    call.on('data', (response: WriteUploadResponse) => {
      if (response.file) resolve(response.file);
      else if (response.progress && response.progress.persistedSize > acknowledgedTo) {
        acknowledgedTo = response.progress.persistedSize;
        plan.source.release(acknowledgedTo);
        plan.onAcknowledged(acknowledgedTo);
      }
      watchStall();
    });
    call.on('error', (error) => reject(fromCallError(error)));
    call.on('end', () => reject(endedEarly()));
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason));
  });

  const write = async (message: WriteUploadRequest, content?: Uint8Array): Promise<void> => {
    while (inFlight >= CHUNKS_IN_FLIGHT_MAX) {
      await new Promise<void>((resolve) => (roomMade = resolve));
      stop.signal.throwIfAborted();
    }
    stop.signal.throwIfAborted();
    inFlight += 1;
    // The error of a write that failed says less than the status that the stream ends with.
    call.write(message, () => {
      inFlight -= 1;
      if (content !== undefined) plan.source.giveBack(content);
      roomMade();
    });
  };

  const send = async (): Promise<void> => {
    let offset = plan.from;
    let upload: { upload?: string } = { upload: plan.upload };
    for (
      let content = firstContent;
      content.length > 0;
      content = await plan.source.read(offset, plan.chunkBytes, stop.signal)
    ) {
      plan.onRead(offset, content);
      await write({ ...upload, offset, chunk: { content, crc32c: crc32c(content) } }, content);
      upload = {};
      offset += content.length;
      if (sentTo === acknowledgedTo) {
        sentTo = offset;
        watchStall();
      }
      sentTo = offset;
    }
    finishing = true;
    await write({ ...upload, offset, finish: true, finalDigest: plan.finalDigest() });
    call.end();
    watchStall();
  };

  const abort = (): void => stop.abort(plan.signal?.reason);
  plan.signal?.addEventListener('abort', abort, { once: true });
  try {
    plan.signal?.throwIfAborted();
    // What the server says counts for more than what became of sending: a refused write is only the consequence.
    const sent = send();
    sent.catch(() => undefined);
    const file = await Promise.race([answer, sent.then(() => answer)]);
    succeeded = finishing;
    return file;
  } finally {
    plan.signal?.removeEventListener('abort', abort);
    stop.abort(endedEarly());
    clearTimeout(stallTimer);
    roomMade();
    // A finished stream ends by itself; cancelling it would look like a client that went away.
    if (!succeeded) call.cancel();
  }
}

function stalled(stallTimeoutMs: number): LongshoreClientError {
  return new LongshoreClientError(
    'UNAVAILABLE',
    '',
    `The server acknowledged nothing for ${stallTimeoutMs / 1000} s.`,
  );
}

function endedEarly(): LongshoreClientError {
  return new LongshoreClientError(
    'UNAVAILABLE',
    '',
    'The server ended the stream before the file was there.',
  );
}
