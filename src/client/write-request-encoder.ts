import type { WriteUploadRequest } from './messages.ts';

/** Tags and lengths around the content, without the upload's name: 2 varints of 10 bytes at most, 3 tags, a fixed32. */
const FRAME_BYTES_MAX = 64;

// Field numbers and wire types of proto/longshore/v1: (number << 3) | type.
const UPLOAD = (1 << 3) | 2;
const OFFSET = (2 << 3) | 0;
const CHUNK = (3 << 3) | 2;
const CHUNK_CONTENT = (1 << 3) | 2;
const CHUNK_CRC32C = (2 << 3) | 5;
const CRC32C_BYTES = 5;

/** A message that carries content and is neither a flush nor the finish. */
export interface ContentRequest extends WriteUploadRequest {
  readonly upload?: string;
  readonly offset: number;
  readonly chunk: { readonly content: Uint8Array; readonly crc32c: number };
}

export function isContentRequest(request: WriteUploadRequest): request is ContentRequest {
  const { offset, chunk, flush, finish, finalDigest } = request;
  return (
    typeof offset === 'number' &&
    chunk?.content instanceof Uint8Array &&
    chunk.crc32c !== undefined &&
    !(flush ?? finish ?? finalDigest)
  );
}

/**
 * Encodes WriteUploadRequests with content by hand: the content is copied once, into memory that is used again for the
 * next message. The result is good until then, so only one message of a stream may be on its way at a time, which is how
 * grpc-js sends them: it takes the next one when the one before has been written.
 */
export class WriteRequestEncoder {
  #memory = Buffer.alloc(0);
  #at = 0;

  encode(request: ContentRequest): Buffer {
    const { upload = '', offset, chunk } = request;
    const { content, crc32c } = chunk;
    const uploadBytes = Buffer.byteLength(upload);
    this.#reserve(content.length + uploadBytes + FRAME_BYTES_MAX);
    if (uploadBytes > 0) {
      this.#varint(UPLOAD);
      this.#varint(uploadBytes);
      this.#at += this.#memory.write(upload, this.#at);
    }
    this.#varint(OFFSET);
    this.#varint(offset);
    this.#varint(CHUNK);
    this.#varint(1 + varintBytes(content.length) + content.length + CRC32C_BYTES);
    this.#varint(CHUNK_CONTENT);
    this.#varint(content.length);
    this.#memory.set(content, this.#at);
    this.#at += content.length;
    this.#varint(CHUNK_CRC32C);
    this.#at = this.#memory.writeUInt32LE(crc32c, this.#at);
    return this.#memory.subarray(0, this.#at);
  }

  #reserve(bytes: number): void {
    this.#at = 0;
    if (this.#memory.length < bytes) this.#memory = Buffer.allocUnsafeSlow(bytes);
  }

  /** A number of up to 53 bits; shifts would cut it to 32. */
  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#memory[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#memory[this.#at++] = rest;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
