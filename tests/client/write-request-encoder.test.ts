import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { method } from '../../src/client/proto.ts';
import { WriteRequestEncoder } from '../../src/client/write-request-encoder.ts';
import { serviceDefinition } from '../../src/grpc/protos.ts';

const { serialize } = method('WriteUpload');
const parse = serviceDefinition('longshore.v1.FileService')['WriteUpload']!.requestDeserialize;

const request = fc.record(
  {
    upload: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
    offset: fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53 - 1)),
    chunk: fc.record({
      content: fc.uint8Array({ minLength: 1, maxLength: 40_000 }),
      crc32c: fc.nat(0xffffffff),
    }),
  },
  { requiredKeys: ['offset', 'chunk'] },
);

describe('a message framed by hand', () => {
  it('is read as the generated codec wrote it', () => {
    const encoder = new WriteRequestEncoder();
    fc.assert(
      fc.property(request, (message) => {
        expect(parse(Buffer.from(encoder.encode(message)))).toEqual(parse(serialize(message)));
      }),
    );
  });

  it('uses the memory of the one before', () => {
    const encoder = new WriteRequestEncoder();
    const chunk = (fill: number) => ({ content: new Uint8Array(1000).fill(fill), crc32c: fill });
    const first = encoder.encode({ offset: 0, chunk: chunk(1) });
    const second = encoder.encode({ offset: 1000, chunk: chunk(2) });
    expect(second.buffer).toBe(first.buffer);
  });
});
