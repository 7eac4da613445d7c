/** Longest string that is read out of a message; names are far shorter. */
const STRING_BYTES_MAX = 4096;

/** The bytes are not a protobuf message. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/** Reads protobuf out of pieces of a message; content comes out as pieces again, everything else is small. */
export class SegmentReader {
  readonly #segments: readonly Uint8Array[];
  #segment = 0;
  #at = 0;
  #left: number;

  constructor(segments: readonly Uint8Array[], bytes: number) {
    this.#segments = segments;
    this.#left = bytes;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#left;
  }

  /** A tag, length, number or boolean. Beyond 2^53 only the size is right, not the last digits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new MalformedMessage('a number of more than ten bytes');
  }

  fixed32(): number {
    return (this.#byte() | (this.#byte() << 8) | (this.#byte() << 16) | (this.#byte() << 24)) >>> 0;
  }

  string(bytes: number): string {
    if (bytes > STRING_BYTES_MAX) throw new MalformedMessage(`a name of ${bytes} bytes`);
    return Buffer.concat(this.take(bytes)).toString('utf8');
  }

  /** The next bytes, as pieces of the segments: not copied. */
  take(bytes: number): Uint8Array[] {
    if (bytes > this.#left) throw new MalformedMessage('a field that is longer than its message');
    const pieces: Uint8Array[] = [];
    for (let wanted = bytes; wanted > 0;) {
      const segment = this.#current();
      const piece = segment.subarray(this.#at, this.#at + wanted);
      pieces.push(piece);
      wanted -= piece.length;
      this.#advance(piece.length);
    }
    return pieces;
  }

  /** A reader of the next bytes, which this one goes past. */
  message(bytes: number): SegmentReader {
    return new SegmentReader(this.take(bytes), bytes);
  }

  /** Goes past a field that nobody asked for. */
  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.take(8);
    else if (wireType === 2) this.take(this.varint());
    else if (wireType === 5) this.take(4);
    else throw new MalformedMessage(`a field of wire type ${wireType}`);
  }

  #byte(): number {
    if (this.#left === 0) throw new MalformedMessage('a message that ends too early');
    const byte = this.#current()[this.#at] ?? 0;
    this.#advance(1);
    return byte;
  }

  #current(): Uint8Array {
    for (;;) {
      const segment = this.#segments[this.#segment];
      if (!segment) throw new MalformedMessage('a message that ends too early');
      if (this.#at < segment.length) return segment;
      this.#segment += 1;
      this.#at = 0;
    }
  }

  #advance(bytes: number): void {
    this.#at += bytes;
    this.#left -= bytes;
  }
}
