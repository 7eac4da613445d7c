import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DiskBlobStore } from '../../src/blobs/disk-blob-store.ts';
import { makeDurableFolder } from '../../src/blobs/durable-folder.ts';
import { contentPath, layout, manifestPath } from '../../src/blobs/layout.ts';
import { PartFiles } from '../../src/blobs/part-files.ts';
import { systemClock } from '../../src/clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const paths = layout(join(temporaryFolder(), 'deep', 'data'));
const store = new DiskBlobStore(paths);
afterAll(() => store.close());

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

async function place(content: Buffer): Promise<string> {
  const sha256 = digestOf(content);
  await store.placeSmall(content, sha256);
  return sha256;
}

async function readWhole(sha256: string): Promise<Buffer> {
  const lease = await store.open(sha256);
  try {
    return (await lease.reader.read(0, lease.reader.size)).content;
  } finally {
    lease.release();
  }
}

test('content comes back as it was placed, from a plain file that anybody can check', async () => {
  const content = randomBytes(100_000);
  const sha256 = await place(content);
  expect(await readWhole(sha256)).toEqual(content);
  expect(await readFile(contentPath(paths.blobs, sha256))).toEqual(content);
});

test('content that is there already is not written again', async () => {
  const content = randomBytes(1000);
  const sha256 = digestOf(content);
  expect(await store.placeSmall(content, sha256)).toEqual({ existed: false });
  const { ino } = await stat(contentPath(paths.blobs, sha256));
  expect(await store.placeSmall(content, sha256)).toEqual({ existed: true });
  expect((await stat(contentPath(paths.blobs, sha256))).ino).toBe(ino);
});

test('a finished part file becomes the blob of its digest, and a second one of the same content does not', async () => {
  await makeDurableFolder(paths.uploads);
  const partFiles = new PartFiles(paths, systemClock);
  const content = randomBytes(3_000_000);
  const existed: boolean[] = [];
  for (const id of ['first', 'second']) {
    await using part = await partFiles.open(
      { id, session: '1', exclusive: true, totalBytes: null },
      AbortSignal.timeout(5000),
    );
    await part.write(0, [content], null);
    const { sha256 } = await part.finish(content.length);
    existed.push((await store.place(part, sha256)).existed);
  }
  expect(existed).toEqual([false, true]);
  expect(await readWhole(digestOf(content))).toEqual(content);
});

test('it describes what it holds, and nothing else', async () => {
  const content = randomBytes(2_500_000);
  const sha256 = await place(content);
  const described = await store.describe(sha256);
  expect(described).toMatchObject({ sha256, size: content.length });
  expect(described?.chunkDigests.subarray(0, 32).toString('hex')).toBe(
    digestOf(content.subarray(0, 2 ** 20)),
  );
  expect(await store.describe('0'.repeat(64))).toBeNull();
  expect(await store.has('0'.repeat(64))).toBe(false);
});

test('what is removed is gone, and who has it open reads on', async () => {
  const content = randomBytes(5000);
  const sha256 = await place(content);
  const lease = await store.open(sha256);
  await store.remove(sha256);
  expect(await store.has(sha256)).toBe(false);
  expect((await lease.reader.read(0, 5000)).content).toEqual(content);
  lease.release();
  await store.remove(sha256);
  await expect(store.open(sha256)).rejects.toMatchObject({ reason: 'BLOB_CORRUPT' });
});

test('quarantined content is kept aside, is not served, and can be placed anew', async () => {
  const content = randomBytes(5000);
  const sha256 = await place(content);
  await store.quarantine(sha256);
  await expect(store.open(sha256)).rejects.toMatchObject({
    reason: 'BLOB_CORRUPT',
    metadata: { digest: sha256 },
  });
  expect(await readdir(join(paths.quarantine, sha256.slice(0, 2)))).toEqual([sha256, `${sha256}.manifest`]);
  expect(await store.placeSmall(content, sha256)).toEqual({ existed: false });
  expect(await readWhole(sha256)).toEqual(content);
});

test('content without its manifest, or cut short, is damage and never a shorter file', async () => {
  const lacking = await place(randomBytes(5000));
  await rm(manifestPath(paths.blobs, lacking));
  await expect(store.open(lacking)).rejects.toMatchObject({ reason: 'BLOB_CORRUPT' });
  const cut = await place(randomBytes(5000));
  await truncate(contentPath(paths.blobs, cut), 4999);
  await expect(store.open(cut)).rejects.toMatchObject({ reason: 'BLOB_CORRUPT' });
});

test('it tells how much room there is', async () => {
  const { availableBytes, totalBytes } = await store.space();
  expect(availableBytes).toBeGreaterThan(0);
  expect(totalBytes).toBeGreaterThanOrEqual(availableBytes);
});
