/** The writing side of a stream as grpc-js gives it. */
interface WritableCall<T> {
  write(message: T, callback: (error?: Error | null) => void): boolean;
}

/** Where a handler's messages go. A message is gone when its promise resolves: its memory may be used again then. */
export class MessageSink<T> {
  readonly #call: WritableCall<T>;
  readonly #signal: AbortSignal;
  readonly #waiting = new Set<(reason: unknown) => void>();

  constructor(call: WritableCall<T>, signal: AbortSignal) {
    this.#call = call;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#abort(), { once: true });
  }

  /** Resolves when the message has been handed to the socket; rejects with the signal's reason when that fires first. */
  write(message: T): Promise<void> {
    this.#signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      this.#call.write(message, (error) => {
        this.#waiting.delete(reject);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  // grpc-js never calls back for a message of a call that was cancelled meanwhile.
  #abort(): void {
    for (const reject of this.#waiting) reject(this.#signal.reason);
    this.#waiting.clear();
  }
}
