import { appendFileSync, closeSync, copyFileSync, openSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyBlob } from '../../src/native/verify-blob.ts';
import { writeBlob } from '../../src/native/write-blob.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { failureOf, MiB, sampleBytes, sha256 } from './contents.ts';

const root = temporaryFolder();
const content = sampleBytes(40 * MiB + 77, 2);
const blob = path.join(root, 'blob');
const manifest = `${blob}.manifest`;
const signal = new AbortController().signal;

beforeAll(async () => {
  await writeBlob(blob, manifest, content);
});

function spoiltCopy(name: string, offsets: number[]): string {
  const copy = path.join(root, name);
  copyFileSync(blob, copy);
  const file = openSync(copy, 'r+');
  for (const offset of offsets) writeSync(file, Buffer.from([content[offset]! ^ 1]), 0, 1, offset);
  closeSync(file);
  return copy;
}

for (const [way, options] of [
  ['on all cores', { signal, whole: false }],
  ['in one pass with the whole digest', { signal, whole: true }],
  ['at a pace', { signal, whole: false, bytesPerSecondMax: 2 ** 40 }],
] as const) {
  describe(`verification ${way}`, () => {
    it('finds nothing in a good blob', async () => {
      expect(await verifyBlob(blob, manifest, options)).toEqual({
        badChunks: [],
        sha256: options.whole ? sha256(content) : null,
      });
    });

    it('names exactly the bad chunks, in order', async () => {
      const bad = spoiltCopy('spoilt', [40 * MiB + 76, 0, 17 * MiB, 16 * MiB - 1, 17 * MiB + 5]);
      expect((await verifyBlob(bad, manifest, options)).badChunks).toEqual([0, 15, 17, 40]);
    });

    it('counts chunks that the file lacks as bad, and the last one of a file that is too long', async () => {
      const short = spoiltCopy('short', []);
      truncateSync(short, 38 * MiB + 1);
      expect((await verifyBlob(short, manifest, options)).badChunks).toEqual([38, 39, 40]);
      const long = spoiltCopy('long', []);
      appendFileSync(long, 'more');
      expect((await verifyBlob(long, manifest, options)).badChunks).toEqual([40]);
    });

    it('takes an empty blob', async () => {
      const empty = path.join(root, 'empty');
      await writeBlob(empty, `${empty}.manifest`, Buffer.alloc(0));
      expect((await verifyBlob(empty, `${empty}.manifest`, options)).badChunks).toEqual([]);
    });

    it('ends when it is aborted, before it begins or while it runs', async () => {
      const before = AbortSignal.abort();
      expect(await failureOf(verifyBlob(blob, manifest, { ...options, signal: before }))).toMatchObject({
        code: 'ABORTED',
      });
      const controller = new AbortController();
      const running = failureOf(verifyBlob(blob, manifest, { ...options, signal: controller.signal }));
      controller.abort();
      expect(await running).toMatchObject({ code: 'ABORTED' });
    });

    it('says ENOENT for what is not there', async () => {
      expect(await failureOf(verifyBlob(path.join(root, 'none'), manifest, options))).toMatchObject({
        code: 'ENOENT',
      });
    });
  });
}

describe('a paced verification', () => {
  it('reads no faster than it may, and stops at once when aborted', async () => {
    const begin = performance.now();
    const small = path.join(root, 'small');
    await writeBlob(small, `${small}.manifest`, content.subarray(0, 3 * MiB));
    await verifyBlob(small, `${small}.manifest`, { signal, whole: false, bytesPerSecondMax: 10 * MiB });
    expect(performance.now() - begin).toBeGreaterThan(200);
    const controller = new AbortController();
    const slow = failureOf(
      verifyBlob(blob, manifest, { signal: controller.signal, whole: false, bytesPerSecondMax: 1 }),
    );
    controller.abort();
    expect(await slow).toMatchObject({ code: 'ABORTED' });
  });
});
