import { LongshoreError } from '../errors.ts';
import type { SegmentedMessage } from './segment-decoder.ts';
import { SegmentReader } from './segment-reader.ts';

/** A WriteUploadRequest whose content is still in the pieces that the socket delivered. */
export interface WriteRequest {
  upload: string;
  /** Not a safe integer when the client sent a negative one, or one beyond 2^53. */
  offset: number;
  /** Null: the message carries no chunk. */
  chunk: WriteChunk | null;
  flush: boolean;
  finish: boolean;
  /** As sent; null when none was. */
  finalDigest: { sha256: string; sizeBytes: number } | null;
}

export interface WriteChunk {
  segments: readonly Uint8Array[];
  bytes: number;
  crc32c: number | null;
}

// Field numbers of longshore.v1 with their wire types, as protobuf writes them.
const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;
const UPLOAD = (1 << 3) | BYTES;
const OFFSET = (2 << 3) | VARINT;
const CHUNK = (3 << 3) | BYTES;
const FLUSH = (4 << 3) | VARINT;
const FINISH = (5 << 3) | VARINT;
const FINAL_DIGEST = (6 << 3) | BYTES;
const CHUNK_CONTENT = (1 << 3) | BYTES;
const CHUNK_CRC32C = (2 << 3) | FIXED32;
const DIGEST_SHA256 = (1 << 3) | BYTES;
const DIGEST_SIZE_BYTES = (2 << 3) | VARINT;

/**
 * Reads a WriteUploadRequest by hand, so that its content is never copied. A test holds it equal to the generated
 * decoder on random messages. Throws MalformedMessage for what is not such a message.
 */
export function readWriteUploadRequest(message: SegmentedMessage): WriteRequest {
  if (message.oversized) {
    throw new LongshoreError('MESSAGE_TOO_LARGE', `A message of ${message.bytes} bytes is too large.`);
  }
  const reader = new SegmentReader(message.segments, message.bytes);
  const request: WriteRequest = {
    upload: '',
    offset: 0,
    chunk: null,
    flush: false,
    finish: false,
    finalDigest: null,
  };
  while (reader.left > 0) {
    const tag = reader.varint();
    if (tag === UPLOAD) request.upload = reader.string(reader.varint());
    else if (tag === OFFSET) request.offset = reader.varint();
    else if (tag === CHUNK) request.chunk = readChunk(reader.message(reader.varint()), request.chunk);
    else if (tag === FLUSH) request.flush = reader.varint() !== 0;
    else if (tag === FINISH) request.finish = reader.varint() !== 0;
    else if (tag === FINAL_DIGEST) request.finalDigest = readDigest(reader.message(reader.varint()));
    else reader.skip(tag & 7);
  }
  return request;
}

/** A message that comes twice is merged, as protobuf has it. */
function readChunk(reader: SegmentReader, before: WriteChunk | null): WriteChunk {
  const chunk: WriteChunk = before ?? { segments: [], bytes: 0, crc32c: null };
  while (reader.left > 0) {
    const tag = reader.varint();
    if (tag === CHUNK_CONTENT) {
      chunk.bytes = reader.varint();
      chunk.segments = reader.take(chunk.bytes);
    } else if (tag === CHUNK_CRC32C) chunk.crc32c = reader.fixed32();
    else reader.skip(tag & 7);
  }
  return chunk;
}

function readDigest(reader: SegmentReader): { sha256: string; sizeBytes: number } {
  const digest = { sha256: '', sizeBytes: 0 };
  while (reader.left > 0) {
    const tag = reader.varint();
    if (tag === DIGEST_SHA256) digest.sha256 = reader.string(reader.varint());
    else if (tag === DIGEST_SIZE_BYTES) digest.sizeBytes = reader.varint();
    else reader.skip(tag & 7);
  }
  return digest;
}
