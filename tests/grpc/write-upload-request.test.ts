import fc from 'fast-check';
import { expect, test } from 'vitest';
import type {
  WriteUploadRequest,
  WriteUploadRequest__Output,
} from '../../src/gen/longshore/v1/WriteUploadRequest.ts';
import { decode, encode } from '../../src/grpc/protos.ts';
import { SegmentDecoder, SegmentedMessage } from '../../src/grpc/segment-decoder.ts';
import { MalformedMessage } from '../../src/grpc/segment-reader.ts';
import { readWriteUploadRequest, type WriteRequest } from '../../src/grpc/write-upload-request.ts';

const TYPE = 'longshore.v1.WriteUploadRequest';

const requests = fc.record(
  {
    upload: fc.string({ maxLength: 100, unit: 'grapheme' }),
    offset: fc.maxSafeNat(),
    chunk: fc.record(
      {
        content: fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes)),
        crc32c: fc.nat({ max: 2 ** 32 - 1 }),
      },
      { requiredKeys: [] },
    ),
    flush: fc.boolean(),
    finish: fc.boolean(),
    finalDigest: fc.record({ sha256: fc.string({ maxLength: 64 }), sizeBytes: fc.maxSafeNat() }),
  },
  { requiredKeys: [] },
);

/** The bytes of a message cut into pieces at random places, as a socket delivers them. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => bytes.subarray(start, at[index] ?? bytes.length));
}

function byHand(bytes: Buffer, cuts: readonly number[] = []): WriteRequest {
  return readWriteUploadRequest(new SegmentedMessage(pieces(bytes, cuts), bytes.length, false, 0));
}

function expectSame(byHandRequest: WriteRequest, generated: WriteUploadRequest__Output): void {
  const { chunk, finalDigest, ...rest } = byHandRequest;
  const { chunk: generatedChunk, finalDigest: generatedDigest, upload, offset, flush, finish } = generated;
  expect(rest).toEqual({ upload, offset, flush, finish });
  expect(finalDigest).toEqual(generatedDigest);
  expect(chunk === null).toBe(generatedChunk === null);
  if (!chunk || !generatedChunk) return;
  expect(Buffer.concat(chunk.segments)).toEqual(generatedChunk.content);
  expect(chunk.bytes).toBe(generatedChunk.content.length);
  expect(chunk.crc32c).toBe(generatedChunk.crc32c ?? null);
}

test('the hand-made reader and the generated decoder agree on random messages in random pieces', () => {
  fc.assert(
    fc.property(requests, fc.array(fc.nat(), { maxLength: 8 }), (request: WriteUploadRequest, cuts) => {
      const bytes = encode(TYPE, request);
      expectSame(byHand(bytes, cuts), decode(TYPE, bytes) as WriteUploadRequest__Output);
    }),
  );
});

test('content is not copied: it lies in the memory of the pieces', () => {
  const bytes = encode(TYPE, { chunk: { content: Buffer.alloc(1000, 7) } });
  const segments = byHand(bytes, [300]).chunk?.segments ?? [];
  expect(segments).toHaveLength(2);
  for (const segment of segments) expect(segment.buffer).toBe(bytes.buffer);
});

test('fields of a newer client are passed over', () => {
  const unknown = Buffer.from([(15 << 3) | 2, 3, 1, 2, 3, (14 << 3) | 0, 0x80, 1, (13 << 3) | 5, 1, 2, 3, 4]);
  const request = byHand(Buffer.concat([unknown, encode(TYPE, { upload: 'x', offset: 5 })]));
  expect(request).toMatchObject({ upload: 'x', offset: 5 });
});

test('a negative offset is not taken for a number of bytes', () => {
  const request = byHand(encode(TYPE, { offset: -1 }));
  expect(Number.isSafeInteger(request.offset)).toBe(false);
});

test('whatever the bytes are, the reader answers or refuses them as malformed, and soon', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 4 }), (noise, cuts) => {
      try {
        byHand(Buffer.from(noise), cuts);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedMessage);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a length beyond the message is malformed', () => {
  expect(() => byHand(Buffer.from([(3 << 3) | 2, 0xff, 0xff, 0xff, 0x7f]))).toThrow(MalformedMessage);
});

test('the decoder cuts a stream into its messages however the socket delivers it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 10 }),
      (messages, cuts) => {
        const stream = Buffer.concat(messages.map((message) => framed(Buffer.from(message))));
        const decoder = new SegmentDecoder(1000);
        const found = pieces(stream, cuts).flatMap((piece) => decoder.write(piece));
        expect(found.map(({ segments }) => Buffer.concat(segments))).toEqual(
          messages.map((m) => Buffer.from(m)),
        );
      },
    ),
  );
});

test('a message that comes in crumbs has few pieces all the same', () => {
  const content = Buffer.from(Array.from({ length: 50_000 }, (_, index) => index % 251));
  const decoder = new SegmentDecoder(100_000);
  const [message] = Array.from(framed(content)).flatMap((byte) => decoder.write(Buffer.of(byte)));
  expect(message?.segments.length).toBeLessThanOrEqual(1024);
  expect(Buffer.concat(message?.segments ?? []).equals(content)).toBe(true);
});

test('a message above the limit is dropped as it comes, and the next one is read', () => {
  const decoder = new SegmentDecoder(10);
  const [large, next] = decoder.write(Buffer.concat([framed(Buffer.alloc(11)), framed(Buffer.from('next'))]));
  expect(large).toMatchObject({ oversized: true, bytes: 11, segments: [] });
  expect(Buffer.concat(next?.segments ?? []).toString()).toBe('next');
});

test('an oversized message is refused with the limit as the reason', () => {
  const message = new SegmentedMessage([], 5_000_000, true, 0);
  expect(() => readWriteUploadRequest(message)).toThrow(
    expect.objectContaining({ reason: 'MESSAGE_TOO_LARGE' }),
  );
});

function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
