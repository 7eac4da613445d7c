/** Bytes before each gRPC message: a compression flag and a big-endian length. */
const PREFIX_BYTES = 5;
/** Pieces of one message. However finely a client or a proxy cuts it, those behind take a bounded number. */
const SEGMENTS_MAX = 1024;

/**
 * A gRPC message as it came off the wire: pieces of the socket's own buffers, never joined.
 * It stands in for the Buffer that grpc-js hands from its decoder to a method's deserialiser, so it has the two methods
 * that are called on the way (`readUInt8` for the compression flag, `subarray` to cut the prefix off).
 */
export class SegmentedMessage {
  readonly segments: readonly Buffer[];
  readonly bytes: number;
  /** Longer than allowed: its bytes were dropped as they came. */
  readonly oversized: boolean;
  readonly #compressed: number;

  constructor(segments: readonly Buffer[], bytes: number, oversized: boolean, compressed: number) {
    this.segments = segments;
    this.bytes = bytes;
    this.oversized = oversized;
    this.#compressed = compressed;
  }

  readUInt8(): number {
    return this.#compressed;
  }

  /** Compressed messages are rare and small: they are joined, as grpc-js expects them. */
  subarray(): SegmentedMessage | Buffer {
    return this.#compressed === 0 ? this : Buffer.concat(this.segments);
  }
}

/** Cuts a gRPC stream into messages without copying content, unless it comes in crumbs. `bytesMax` is for one message. */
export class SegmentDecoder {
  readonly #bytesMax: number;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixFilled = 0;
  #segments: Buffer[] = [];
  #bytes = 0;
  #bytesLeft = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Takes the next bytes of the stream; returns the messages that they complete. */
  write(data: Buffer): SegmentedMessage[] {
    const messages: SegmentedMessage[] = [];
    for (let at = 0; at < data.length;) {
      at += this.#prefixFilled < PREFIX_BYTES ? this.#takePrefix(data, at) : this.#takeContent(data, at);
      if (this.#prefixFilled === PREFIX_BYTES && this.#bytesLeft === 0) messages.push(this.#complete());
    }
    return messages;
  }

  #takePrefix(data: Buffer, at: number): number {
    const taken = data.copy(this.#prefix, this.#prefixFilled, at);
    this.#prefixFilled += taken;
    if (this.#prefixFilled === PREFIX_BYTES) this.#bytes = this.#bytesLeft = this.#prefix.readUInt32BE(1);
    return taken;
  }

  #takeContent(data: Buffer, at: number): number {
    const taken = Math.min(this.#bytesLeft, data.length - at);
    if (this.#bytes <= this.#bytesMax) this.#keep(data.subarray(at, at + taken));
    this.#bytesLeft -= taken;
    return taken;
  }

  #keep(segment: Buffer): void {
    if (this.#segments.length === SEGMENTS_MAX) this.#segments = [Buffer.concat(this.#segments)];
    this.#segments.push(segment);
  }

  #complete(): SegmentedMessage {
    const oversized = this.#bytes > this.#bytesMax;
    const message = new SegmentedMessage(this.#segments, this.#bytes, oversized, this.#prefix.readUInt8());
    this.#segments = [];
    this.#prefixFilled = 0;
    return message;
  }
}
