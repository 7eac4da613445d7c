import type { Socket } from 'node:net';

/** One direction of the simulated line. All connections through a proxy share its bandwidth. */
export class Line {
  readonly #delayMs: number;
  readonly #bytesPerSecond: number;
  #freeAtMs = 0;

  /** `bytesPerSecond` may be Infinity. */
  constructor(delayMs: number, bytesPerSecond: number) {
    this.#delayMs = delayMs;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** When `bytes` that are put on the line at `nowMs` have all come out at the other end. */
  arrivalMs(bytes: number, nowMs: number): number {
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (bytes / this.#bytesPerSecond) * 1000;
    return this.#freeAtMs + this.#delayMs;
  }
}

interface InFlight {
  readonly dueMs: number;
  /** Undefined: the sender's end of stream. */
  readonly bytes: Buffer | undefined;
}

const inFlightChunksMax = 65_536;

/**
 * Carries bytes from one socket to another, each piece after the line's delay and in order.
 * It holds at most about `inFlightBytesMax`; beyond that it stops reading, as a real line's sender would have to.
 */
export class DelayedPipe {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #line: Line;
  readonly #inFlightBytesMax: number;
  readonly #onForwarded: (bytes: number) => void;
  readonly #inFlight: InFlight[] = [];
  #first = 0;
  #inFlightBytes = 0;
  #sinkIsFull = false;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    source: Socket,
    sink: Socket,
    line: Line,
    inFlightBytesMax: number,
    onForwarded: (bytes: number) => void,
  ) {
    this.#source = source;
    this.#sink = sink;
    this.#line = line;
    this.#inFlightBytesMax = inFlightBytesMax;
    this.#onForwarded = onForwarded;
    source.on('data', (bytes: Buffer) => {
      this.#accept(bytes);
    });
    source.on('end', () => {
      this.end();
    });
    sink.on('drain', () => {
      this.#sinkIsFull = false;
      this.#deliver();
    });
    sink.on('close', () => {
      clearTimeout(this.#timer);
    });
  }

  /** Ends the sink after what is under way; bytes that come later are dropped. The other direction goes on. */
  end(): void {
    if (this.#ended) return;
    this.#push(undefined);
    this.#ended = true;
  }

  #accept(bytes: Buffer): void {
    if (this.#ended) return;
    this.#push(bytes);
    if (this.#isFull()) this.#source.pause();
  }

  #push(bytes: Buffer | undefined): void {
    const size = bytes?.length ?? 0;
    this.#inFlightBytes += size;
    this.#inFlight.push({ dueMs: this.#line.arrivalMs(size, performance.now()), bytes });
    this.#schedule();
  }

  #isFull(): boolean {
    return (
      this.#inFlightBytes >= this.#inFlightBytesMax ||
      this.#inFlight.length - this.#first >= inFlightChunksMax
    );
  }

  #schedule(): void {
    const next = this.#inFlight[this.#first];
    if (next === undefined || this.#sinkIsFull || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#deliver();
      },
      Math.max(0, next.dueMs - performance.now()),
    );
  }

  #deliver(): void {
    const nowMs = performance.now();
    for (;;) {
      const next = this.#inFlight[this.#first];
      if (next === undefined || next.dueMs > nowMs || this.#sinkIsFull || this.#sink.destroyed) break;
      this.#first += 1;
      if (next.bytes === undefined) {
        this.#sink.end();
        continue;
      }
      this.#inFlightBytes -= next.bytes.length;
      this.#sinkIsFull = !this.#sink.write(next.bytes);
      this.#onForwarded(next.bytes.length);
    }
    // Dropping the delivered head in one go keeps each delivery at constant cost.
    if (this.#first > 1024 || this.#first === this.#inFlight.length) {
      this.#inFlight.splice(0, this.#first);
      this.#first = 0;
    }
    if (this.#source.isPaused() && !this.#isFull()) this.#source.resume();
    this.#schedule();
  }
}
