import { authorize } from '../access/authorize.ts';
import { LongshoreError } from '../errors.ts';
import { fieldInvalid } from '../files/field-invalid.ts';
import { parseName } from '../files/names.ts';
import { OpenUpload, type Piece } from '../files/open-upload.ts';
import type { UploadReceiver } from '../files/upload-receiver.ts';
import type { UploadResults } from '../files/upload-results.ts';
import type { WriteUploadResponse } from '../gen/longshore/v1/WriteUploadResponse.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Acknowledger } from './acknowledger.ts';
import type { BidiStreaming } from './calls.ts';
import type { MessageSink } from './message-sink.ts';
import type { MessageSource } from './message-source.ts';
import { fromDigest, requireSize, toFile, toUpload } from './messages.ts';
import { Malformed } from './safe-deserialize.ts';
import type { WriteRequest } from './write-upload-request.ts';

export interface WriteUploadParts {
  receiver: UploadReceiver;
  results: UploadResults;
  metrics: Metrics;
  idleTimeoutMs: number;
}

/** Largest content of one chunk. */
export const WRITE_CHUNK_BYTES_MAX = 2 * 2 ** 20;
/** Chunks being written and hashed at a time; with the one read ahead, four. */
const PIECES_MAX = 3;

/** WriteUpload: the straight road from the socket to the disk. */
export function writeUpload(
  parts: WriteUploadParts,
): BidiStreaming<WriteRequest | Malformed, WriteUploadResponse> {
  return async (source, context, sink) => {
    const stream = new UploadStream(source, sink, context.signal, parts);
    try {
      const first = await stream.next();
      if (!first) throw fieldInvalid('upload', 'must be named by the first message');
      const { tenantId, id } = parseName('uploads', first.upload, 'upload');
      authorize(context.caller, 'write', tenantId);
      const attached = await parts.results.attach(tenantId, id, context.signal);
      if (attached instanceof OpenUpload) await stream.receive(attached, first);
      else await sink.write({ file: toFile(attached) });
    } finally {
      stream.close();
    }
  };
}

/** One WriteUpload call: takes messages, keeps at most `PIECES_MAX` of them under way, acknowledges, finishes. */
class UploadStream {
  readonly #source: MessageSource<WriteRequest | Malformed>;
  readonly #sink: MessageSink<WriteUploadResponse>;
  readonly #parts: WriteUploadParts;
  /** Fires with whatever ends the stream early: the client, a newer writer, silence, the disk. */
  readonly #broken = new AbortController();
  /** Fires when the stream is over: nobody is listened to any more. */
  readonly #closed = new AbortController();
  readonly #signal: AbortSignal;
  readonly #idle: NodeJS.Timeout;
  readonly #pieces = new Set<Promise<void>>();
  #waiting = false;

  constructor(
    source: MessageSource<WriteRequest | Malformed>,
    sink: MessageSink<WriteUploadResponse>,
    signal: AbortSignal,
    parts: WriteUploadParts,
  ) {
    this.#source = source;
    this.#sink = sink;
    this.#parts = parts;
    this.#signal = signal;
    this.#idle = setTimeout(() => this.#onIdle(), parts.idleTimeoutMs);
    this.#breakOn(signal);
  }

  /** The next message; null when the client has ended its side. */
  async next(): Promise<WriteRequest | null> {
    this.#waiting = true;
    this.#idle.refresh();
    const message = await this.#source.next(this.#broken.signal);
    this.#waiting = false;
    if (message instanceof Malformed) throw message.error;
    return message;
  }

  async receive(open: OpenUpload, first: WriteRequest): Promise<void> {
    this.#breakOn(open.ended);
    const acks = new Acknowledger(
      () => this.#timed(open.sync()),
      (persisted) => {
        this.#parts.metrics.uploadAcks.inc();
        return this.#sink.write({ progress: toUpload(open.upload, persisted, null) });
      },
      (error) => this.#broken.abort(error),
    );
    try {
      for (let message: WriteRequest | null = first; message; message = await this.next()) {
        await this.#take(open, message, acks);
        if (message.finish) return await this.#finish(open, message, acks);
        if (message.flush) await this.#flush(acks);
      }
      // The client ended its side without finishing: what it sent is kept for when it comes back.
      await this.#flush(acks);
    } finally {
      await acks.settle();
      // Bytes under way still read the messages' memory.
      await Promise.allSettled(this.#pieces);
      await this.#parts.receiver.detach(open);
    }
  }

  /** Nothing is waited for any more. */
  close(): void {
    clearTimeout(this.#idle);
    this.#closed.abort();
  }

  async #take(open: OpenUpload, message: WriteRequest, acks: Acknowledger): Promise<void> {
    const piece = pieceOf(message);
    if (!piece) return;
    while (this.#pieces.size >= PIECES_MAX) await Promise.race(this.#pieces);
    this.#broken.signal.throwIfAborted();
    const taken = open.write(piece).catch((error: unknown) => this.#broken.abort(error));
    this.#pieces.add(taken);
    void taken.then(() => this.#pieces.delete(taken));
    this.#parts.metrics.receivedBytes.inc(piece.bytes);
    await acks.received(piece.bytes);
  }

  async #flush(acks: Acknowledger): Promise<void> {
    await this.#drain();
    await acks.flush();
    this.#broken.signal.throwIfAborted();
  }

  async #finish(open: OpenUpload, message: WriteRequest, acks: Acknowledger): Promise<void> {
    await this.#drain();
    await acks.settle();
    this.#broken.signal.throwIfAborted();
    const digest = message.finalDigest ? fromDigest(message.finalDigest, 'final_digest') : null;
    const file = await this.#parts.results.finish(open, digest?.sha256 ?? null, this.#signal);
    await this.#sink.write({ file: toFile(file) });
  }

  async #timed<T>(sync: Promise<T>): Promise<T> {
    const done = this.#parts.metrics.syncSeconds.startTimer();
    try {
      return await sync;
    } finally {
      done();
    }
  }

  /** Every piece is written and hashed, or the stream is broken. */
  async #drain(): Promise<void> {
    await Promise.all(this.#pieces);
    this.#broken.signal.throwIfAborted();
  }

  #breakOn(signal: AbortSignal): void {
    if (signal.aborted) this.#broken.abort(signal.reason);
    const listening = { once: true, signal: this.#closed.signal };
    signal.addEventListener('abort', () => this.#broken.abort(signal.reason), listening);
  }

  #onIdle(): void {
    if (!this.#waiting) {
      this.#idle.refresh();
      return;
    }
    this.#broken.abort(
      new LongshoreError(
        'UPLOAD_IDLE',
        'No message came for too long. What was acknowledged is kept: go on from there.',
      ),
    );
  }
}

/** The content of a message. Throws FIELD_INVALID for an offset or a size that cannot be. */
function pieceOf({ chunk, offset }: WriteRequest): Piece | null {
  if (!chunk || chunk.bytes === 0) return null;
  requireSize(offset, 'offset');
  if (chunk.bytes > WRITE_CHUNK_BYTES_MAX) {
    throw fieldInvalid('chunk.content', `is ${chunk.bytes} bytes; ${WRITE_CHUNK_BYTES_MAX} are the most`);
  }
  return { offset, ...chunk };
}
