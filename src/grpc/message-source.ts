import type { Readable } from 'node:stream';

/** Messages that grpc-js may read ahead of the handler; its own default is sixteen. */
const READ_AHEAD = 1;

/** The messages of a stream, one at a time, as the handler asks for them: nobody asking means the client is held back. */
export class MessageSource<T> {
  readonly #stream: Readable;
  readonly #signal: AbortSignal;

  constructor(stream: Readable, signal: AbortSignal) {
    limitReadAhead(stream);
    this.#stream = stream;
    this.#signal = signal;
  }

  /** The next message; null after the last. Rejects with the signal's reason when it fires first. */
  async next(signal: AbortSignal = this.#signal): Promise<T | null> {
    for (;;) {
      signal.throwIfAborted();
      const message: T | null = this.#stream.read();
      if (message !== null) return message;
      if (this.#stream.readableEnded || this.#stream.destroyed) return null;
      await somethingHappened(this.#stream, signal);
    }
  }
}

const EVENTS = ['readable', 'end', 'close', 'error'] as const;

function somethingHappened(stream: Readable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of EVENTS) stream.off(event, done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    for (const event of EVENTS) stream.on(event, done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** grpc-js leaves no way to choose it: the stream's own state is set, and asked whether it took. */
function limitReadAhead(stream: Readable): void {
  const state: unknown = Reflect.get(stream, '_readableState');
  if (typeof state === 'object' && state !== null) Reflect.set(state, 'highWaterMark', READ_AHEAD);
  if (stream.readableHighWaterMark !== READ_AHEAD) {
    throw new Error('this Node keeps the read-ahead of a stream elsewhere: memory would not be bounded');
  }
}
