import { Readable } from 'node:stream';
import { abandonable } from './abandonable.ts';
import { LongshoreClientError } from './client-error.ts';
import type { ContentSource } from './content-source.ts';

/**
 * Content that passes once. What the server has not acknowledged is kept, at most `keptBytesMax`: reading waits for an
 * acknowledgement then. Keep that above what the server takes before it acknowledges (8 MiB), or both wait for ever.
 */
export class StreamSource implements ContentSource {
  readonly sizeBytes: number | undefined;
  readonly rereadable = false;
  readonly #stream: AsyncIterable<Uint8Array>;
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #keptBytesMax: number;
  /** Chunks from #keptFrom to #readTo, in order. */
  readonly #kept: Uint8Array[] = [];
  #keptFrom = 0;
  #readTo = 0;
  /** What is left of the last piece that the stream gave. */
  #rest: Uint8Array = new Uint8Array(0);
  /** A read that an earlier attempt gave up waiting for. */
  #nextPiece: Promise<IteratorResult<Uint8Array>> | undefined;
  #ended = false;
  #released: () => void = () => undefined;

  constructor(stream: AsyncIterable<Uint8Array>, sizeBytes: number | undefined, keptBytesMax: number) {
    this.sizeBytes = sizeBytes;
    this.#stream = stream;
    this.#pieces = stream[Symbol.asyncIterator]();
    this.#keptBytesMax = keptBytesMax;
  }

  async read(offset: number, lengthMax: number, signal?: AbortSignal): Promise<Uint8Array> {
    if (offset < this.#keptFrom) {
      throw new LongshoreClientError(
        'ABORTED',
        'SOURCE_CHANGED',
        `The server wants byte ${offset} of a stream again that it had acknowledged up to ${this.#keptFrom}.`,
      );
    }
    if (offset < this.#readTo) return this.#keptFragment(offset, lengthMax);
    while (this.#readTo - this.#keptFrom >= this.#keptBytesMax) {
      await abandonable(new Promise<void>((resolve) => (this.#released = resolve)), signal);
    }
    const chunk = await this.#fill(lengthMax, signal);
    if (chunk.length > 0) this.#kept.push(chunk);
    this.#readTo += chunk.length;
    return chunk;
  }

  release(offset: number): void {
    for (let first = this.#kept[0]; first !== undefined; first = this.#kept[0]) {
      if (this.#keptFrom + first.length > offset) break;
      this.#keptFrom += first.length;
      this.#kept.shift();
    }
    this.#released();
  }

  giveBack(): void {
    // The memory is the stream's, and what is in it may be wanted again.
  }

  close(): Promise<void> {
    if (this.#stream instanceof Readable) this.#stream.destroy();
    // Not awaited: a generator that still waits for its next piece would hold us up as long.
    else this.#pieces.return?.().then(undefined, () => undefined);
    return Promise.resolve();
  }

  #keptFragment(offset: number, lengthMax: number): Uint8Array {
    let start = this.#keptFrom;
    for (const chunk of this.#kept) {
      if (offset < start + chunk.length) return chunk.subarray(offset - start, offset - start + lengthMax);
      start += chunk.length;
    }
    return new Uint8Array(0);
  }

  async #fill(length: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    // A wait that is given up half-way must not lose what came before it: parts go back to #rest.
    const parts: Uint8Array[] = [];
    let bytes = 0;
    try {
      while (bytes < length) {
        if (this.#rest.length === 0 && !(await this.#pull(signal))) break;
        const part = this.#rest.subarray(0, length - bytes);
        this.#rest = this.#rest.subarray(part.length);
        parts.push(part);
        bytes += part.length;
      }
    } catch (error) {
      this.#rest = Buffer.concat([...parts, this.#rest]);
      throw error;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes);
  }

  /** Whether there was another piece. */
  async #pull(signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#ended) return false;
    this.#nextPiece ??= this.#pieces.next();
    const { done, value } = await abandonable(this.#nextPiece, signal);
    this.#nextPiece = undefined;
    if (done === true) {
      this.#ended = true;
      return false;
    }
    if (!(value instanceof Uint8Array))
      throw new TypeError('The stream must give bytes, not text or objects.');
    this.#rest = value;
    return true;
  }
}
