import { expect, test } from 'vitest';
import { OpenBlobs } from '../../src/blobs/open-blobs.ts';
import type { BlobReader } from '../../src/native/blob-reader.ts';

/** Readers that only know whether they were closed: what is tested here is who opens and closes them. */
function readers(size = 0) {
  const opened: { sha256: string; closed: boolean }[] = [];
  const open = async (sha256: string): Promise<BlobReader> => {
    if (sha256 === 'missing') throw new Error('not there');
    const entry = { sha256, closed: false };
    opened.push(entry);
    const close = async () => {
      entry.closed = true;
    };
    const nothing = () => Promise.reject(new Error('not read here'));
    return {
      size,
      sha256,
      chunkDigests: Buffer.alloc(0),
      readFrame: nothing,
      read: nothing,
      close,
      [Symbol.asyncDispose]: close,
    };
  };
  return { opened, open };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('all streams of one blob share one reader', async () => {
  const { opened, open } = readers();
  const blobs = new OpenBlobs(open);
  const leases = await Promise.all([blobs.lease('a'), blobs.lease('a'), blobs.lease('b')]);
  expect(opened.map(({ sha256 }) => sha256)).toEqual(['a', 'b']);
  expect(leases[0].reader).toBe(leases[1].reader);
});

test('a dropped reader closes with its last lease, and later leases open anew', async () => {
  const { opened, open } = readers();
  const blobs = new OpenBlobs(open);
  const lease = await blobs.lease('a');
  blobs.drop('a');
  await settled();
  expect(opened[0]?.closed).toBe(false);
  await blobs.lease('a');
  expect(opened).toHaveLength(2);
  lease.release();
  lease.release();
  await settled();
  expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
});

test('idle readers are kept up to a limit, the least recently used are closed', async () => {
  const { opened, open } = readers();
  const blobs = new OpenBlobs(open);
  const busy = await blobs.lease('busy');
  for (let each = 0; each < 400; each += 1) (await blobs.lease(`idle-${each}`)).release();
  await settled();
  const closed = opened.filter((reader) => reader.closed).map(({ sha256 }) => sha256);
  expect(closed.length).toBeGreaterThan(100);
  expect(closed).toContain('idle-0');
  expect(closed).not.toContain('busy');
  expect(closed).not.toContain('idle-399');
  busy.release();
});

test('idle readers of very large content are few, since each holds its manifest', async () => {
  const { opened, open } = readers(2 ** 39);
  const blobs = new OpenBlobs(open);
  const busy = await blobs.lease('busy');
  for (const sha256 of ['one', 'two', 'three']) (await blobs.lease(sha256)).release();
  await settled();
  expect(opened.filter(({ closed }) => !closed).map(({ sha256 }) => sha256)).toEqual(['busy', 'three']);
  busy.release();
});

test('a reader that cannot be opened is not remembered', async () => {
  const { open } = readers();
  const blobs = new OpenBlobs(open);
  await expect(blobs.lease('missing')).rejects.toThrow('not there');
  await expect(blobs.lease('missing')).rejects.toThrow('not there');
  await blobs.close();
});
