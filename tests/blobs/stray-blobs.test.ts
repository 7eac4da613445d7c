import { randomBytes } from 'node:crypto';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DiskBlobStore } from '../../src/blobs/disk-blob-store.ts';
import { contentPath, layout, manifestPath } from '../../src/blobs/layout.ts';
import { PostgresBlobRecordStore } from '../../src/blobs/postgres-blob-record-store.ts';
import { StrayBlobs } from '../../src/blobs/stray-blobs.ts';
import { sha256 } from '../support/digest.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { filesBelow } from '../support/until.ts';

const HOUR_MS = 3_600_000;
const paths = layout(temporaryFolder());
const blobs = new DiskBlobStore(paths);
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await blobs.close();
  await database.close();
});

async function age(path: string): Promise<void> {
  const time = new Date(Date.now() - 2 * HOUR_MS);
  await utimes(path, time, time);
}

async function place(isOld: boolean): Promise<string> {
  const content = randomBytes(1000);
  const digest = sha256(content);
  await blobs.placeSmall(content, digest);
  if (isOld) await Promise.all([contentPath, manifestPath].map((path) => age(path(paths.blobs, digest))));
  return digest;
}

test('old bytes that no row knows go, with manifests without content and temporary files; everything else stays', async () => {
  const known = await place(true);
  await database.postgres.query(
    'insert into blobs (sha256, size_bytes, crc32c, chunk_digests) values ($1, 1000, 0, $2)',
    [Buffer.from(known, 'hex'), Buffer.alloc(32)],
  );
  const young = await place(false);
  await place(true);
  const manifestAlone = manifestPath(paths.blobs, '0'.repeat(64));
  const temporary = join(dirname(manifestAlone), `${'0'.repeat(64)}.1-2.tmp`);
  await mkdir(dirname(manifestAlone), { recursive: true });
  for (const path of [manifestAlone, temporary]) {
    await writeFile(path, 'x');
    await age(path);
  }
  const strays = new StrayBlobs(paths, blobs, new PostgresBlobRecordStore(database.postgres));
  expect(await strays.sweep(Date.now() - HOUR_MS, AbortSignal.timeout(10_000))).toBe(3);
  const left = [known, young].flatMap((digest) => [
    `${digest.slice(0, 2)}/${digest}`,
    `${digest.slice(0, 2)}/${digest}.manifest`,
  ]);
  expect(await filesBelow(paths.blobs)).toEqual(left.toSorted());
});
