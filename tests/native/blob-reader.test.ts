import { randomInt } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { beforeAll, describe, expect, it } from 'vitest';
import { frameBytes, openBlobReader } from '../../src/native/blob-reader.ts';
import { crc32c } from '../../src/native/crc32c.ts';
import { readManifest } from '../../src/native/manifest.ts';
import { writeBlob } from '../../src/native/write-blob.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { expectedContent, failureOf, MiB, sampleBytes } from './contents.ts';

const root = temporaryFolder();
const content = sampleBytes(3 * MiB + 100_001, 4);
const blob = path.join(root, 'blob');
const manifest = `${blob}.manifest`;

interface DecodedResponse {
  data: { offset?: number; chunk: { content?: Buffer; crc32c: number } };
}

const definitions = loadSync('longshore/v1/file_service.proto', { includeDirs: ['proto'], longs: Number });
const service = definitions['longshore.v1.FileService'] as Record<string, MethodDefinition<object, object>>;
const decode = (message: Buffer): unknown => service['ReadFile']!.responseDeserialize(message);

/** The gRPC message in [start, end) of a frame, its prefix checked and taken off. */
function unwrap(frame: Buffer, start: number, end: number): Buffer {
  expect(frame[start]).toBe(0);
  expect(frame.readUInt32BE(start + 1)).toBe(end - start - 5);
  return frame.subarray(start + 5, end);
}

/** A copy of the blob with one byte flipped. */
function flipped(name: string, offset: number): string {
  const copy = path.join(root, name);
  copyFileSync(blob, copy);
  const file = openSync(copy, 'r+');
  writeSync(file, Buffer.from([content[offset]! ^ 0x10]), 0, 1, offset);
  closeSync(file);
  return copy;
}

beforeAll(async () => {
  expect(await writeBlob(blob, manifest, content)).toEqual(expectedContent(content));
});

describe('a blob reader', () => {
  it('says what the blob is', async () => {
    await using reader = await openBlobReader(blob, manifest);
    const { size, sha256, chunkDigests } = reader;
    expect({ size, sha256, chunkDigests, crc32c: crc32c(content) }).toEqual(expectedContent(content));
  });

  it('frames any range as the generated codec would decode it', async () => {
    await using reader = await openBlobReader(blob, manifest);
    const edges = [0, 1, 65_535, 65_536, 65_537, MiB - 1, MiB, content.length - 1, content.length];
    const ranges = edges.flatMap((from) => edges.filter((to) => to >= from).map((to) => [from, to] as const));
    for (let i = 0; i < 100; i += 1) {
      const from = randomInt(0, content.length);
      ranges.push([from, randomInt(from, content.length + 1)]);
    }
    for (const [from, to] of ranges) {
      const frame = Buffer.alloc(frameBytes(to - from), 0xee);
      const { start, end, crc32c: crc } = await reader.readFrame(from, to - from, frame);
      const expected = content.subarray(from, to);
      expect(crc).toBe(crc32c(expected));
      const { data } = decode(unwrap(frame, start, end)) as DecodedResponse;
      expect([data.offset ?? 0, data.chunk.crc32c]).toEqual([from, crc]);
      // Not toEqual: it looks at every byte as a property.
      expect((data.chunk.content ?? Buffer.alloc(0)).equals(expected)).toBe(true);
    }
  });

  it('puts the content of a 1 MiB frame behind a head of constant place', async () => {
    await using reader = await openBlobReader(blob, manifest);
    const frame = Buffer.alloc(frameBytes(MiB));
    const { start, end } = await reader.readFrame(MiB, MiB, frame);
    expect(end - 5).toBe(64 + MiB);
    expect(start).toBeLessThan(64);
  });

  it('reads plain bytes with their CRC', async () => {
    await using reader = await openBlobReader(blob, manifest);
    const got = await reader.read(70_000, 2 * MiB);
    expect(got.content.equals(content.subarray(70_000, 70_000 + 2 * MiB))).toBe(true);
    expect(got.crc32c).toBe(crc32c(got.content));
    expect((await reader.read(content.length, 0)).content.length).toBe(0);
  });

  it('serves many reads at once', async () => {
    await using reader = await openBlobReader(blob, manifest);
    const reads = Array.from({ length: 64 }, async (_, i) => {
      const { content: got } = await reader.read(i * 50_000, 50_000);
      return got.equals(content.subarray(i * 50_000, (i + 1) * 50_000));
    });
    expect(await Promise.all(reads)).toEqual(reads.map(() => true));
  });

  it('gives out no byte of a block that was flipped, and names block and chunk', async () => {
    await using reader = await openBlobReader(flipped('flipped', MiB + 65_536 + 9), manifest);
    const frame = Buffer.alloc(frameBytes(MiB));
    // The flipped byte is not in this range, but its block is.
    const failure = await failureOf(reader.readFrame(MiB + 2 * 65_536 - 10, 5, frame));
    expect(failure).toMatchObject({ code: 'BLOCK_CORRUPT', chunk: 1, offset: MiB + 65_536 });
    expect(await failureOf(reader.read(MiB, MiB))).toMatchObject({ code: 'BLOCK_CORRUPT', chunk: 1 });
    expect((await reader.read(MiB, 65_536)).content.equals(content.subarray(MiB, MiB + 65_536))).toBe(true);
    expect((await reader.read(2 * MiB, MiB)).content.length).toBe(MiB);
  });

  it('refuses a file whose size is not that of its manifest', async () => {
    const short = path.join(root, 'short');
    copyFileSync(blob, short);
    truncateSync(short, content.length - 1);
    expect(await failureOf(openBlobReader(short, manifest))).toMatchObject({
      code: 'BLOCK_CORRUPT',
      chunk: 3,
      expected: content.length,
      actual: content.length - 1,
    });
    const long = path.join(root, 'long');
    copyFileSync(blob, long);
    appendFileSync(long, 'x');
    expect(await failureOf(openBlobReader(long, manifest))).toMatchObject({ code: 'BLOCK_CORRUPT' });
  });

  it('refuses a file that is cut while it is open', async () => {
    const cut = path.join(root, 'cut');
    copyFileSync(blob, cut);
    await using reader = await openBlobReader(cut, manifest);
    truncateSync(cut, 2 * MiB);
    expect(await failureOf(reader.read(2 * MiB, 10))).toMatchObject({ code: 'BLOCK_CORRUPT', chunk: 2 });
  });

  it('reads nothing after close, and finishes what was under way', async () => {
    const reader = await openBlobReader(blob, manifest);
    const under = reader.read(0, MiB);
    await reader.close();
    await reader.close();
    expect((await under).content.equals(content.subarray(0, MiB))).toBe(true);
    expect(await failureOf(reader.read(0, 1))).toMatchObject({ code: 'CLOSED' });
  });

  it('refuses a range beyond the end and a frame that is too small', async () => {
    await using reader = await openBlobReader(blob, manifest);
    expect(() => reader.readFrame(content.length, 1, Buffer.alloc(frameBytes(1)))).toThrow(RangeError);
    expect(() => reader.readFrame(0, MiB, Buffer.alloc(MiB))).toThrow(RangeError);
  });

  it('says ENOENT for a blob or a manifest that is not there', async () => {
    expect(await failureOf(openBlobReader(path.join(root, 'none'), manifest))).toMatchObject({
      code: 'ENOENT',
    });
    expect(await failureOf(openBlobReader(blob, path.join(root, 'none')))).toMatchObject({ code: 'ENOENT' });
  });
});

describe('a manifest', () => {
  it('is refused when any byte of it is flipped, and when it is cut or longer', async () => {
    const good = readFileSync(manifest);
    const bad = path.join(root, 'bad.manifest');
    for (let i = 0; i < good.length; i += 7) {
      const spoilt = Buffer.from(good);
      spoilt[i]! ^= 0x01;
      writeFileSync(bad, spoilt);
      expect(await failureOf(readManifest(bad))).toMatchObject({ code: 'MANIFEST_INVALID' });
    }
    for (const bytes of [0, 7, 64, good.length - 1]) {
      writeFileSync(bad, good.subarray(0, bytes));
      expect(await failureOf(openBlobReader(blob, bad))).toMatchObject({ code: 'MANIFEST_INVALID' });
    }
    writeFileSync(bad, Buffer.concat([good, Buffer.from([0])]));
    expect(await failureOf(readManifest(bad))).toMatchObject({ code: 'MANIFEST_INVALID' });
  });

  it('holds the CRC of each block', async () => {
    const { blockCrcs, blockBytes } = await readManifest(manifest);
    const expected = [];
    for (let offset = 0; offset < content.length; offset += blockBytes) {
      expected.push(crc32c(content.subarray(offset, offset + blockBytes)));
    }
    expect(Array.from({ length: blockCrcs.length / 4 }, (_, i) => blockCrcs.readUInt32LE(4 * i))).toEqual(
      expected,
    );
  });
});
