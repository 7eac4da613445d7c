import { randomBytes } from 'node:crypto';
import { copyFile, rename, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DiskBlobStore } from '../../src/blobs/disk-blob-store.ts';
import { contentPath, layout, manifestPath } from '../../src/blobs/layout.ts';
import { PostgresBlobRecordStore } from '../../src/blobs/postgres-blob-record-store.ts';
import { systemClock } from '../../src/clock.ts';
import { Damage } from '../../src/files/damage.ts';
import { stored } from '../../src/files/finalize-upload.ts';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { describeContent } from '../../src/files/small-content.ts';
import { runVerifyOperation, Verifier } from '../../src/files/verify-file.ts';
import { PostgresOperationStore } from '../../src/operations/postgres-operation-store.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { sha256 } from '../support/digest.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { specOf } from './sample-file.ts';

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

function parts() {
  const files = new PostgresFileStore(database.postgres);
  const records = new PostgresBlobRecordStore(database.postgres);
  const operations = new PostgresOperationStore(database.postgres);
  const metrics = createMetrics();
  const damage = new Damage(blobs, records, files, systemClock, metrics, createLogger('silent'));
  const verifier = new Verifier(blobs, records, damage, systemClock, metrics);
  return { files, records, operations, damage, verifier, clock: systemClock };
}

/** A file `fileId` of tenant `a` with content of its own; returns its digest. */
async function store({ files }: { files: PostgresFileStore }, fileId: string): Promise<string> {
  const content = randomBytes(1000);
  const described = await describeContent(content);
  const place = () => blobs.placeSmall(content, described.sha256);
  const options = { mustNotExist: false, uploadId: null };
  await files.commit('a', specOf(fileId), stored(described), options, place);
  return described.sha256;
}

const now = () => AbortSignal.timeout(10_000);

test('content that was away and is back is good again, and so are its files', async () => {
  const { files, records, verifier } = parts();
  const digest = await store({ files }, 'away');
  const [content, manifest] = [contentPath(paths.blobs, digest), manifestPath(paths.blobs, digest)];
  await rename(content, `${content}.away`);
  expect(await verifier.verify(digest, { foundBy: 'verify', signal: now() })).toEqual([0]);
  expect(await files.get('a', 'away')).toMatchObject({ state: 'quarantined' });
  expect(await verifier.verify(digest, { foundBy: 'verify', signal: now() })).toEqual([0]);
  await rename(`${content}.away`, content);
  await rename(manifestPath(paths.quarantine, digest), manifest);
  expect(await verifier.verify(digest, { foundBy: 'verify', signal: now() })).toEqual([]);
  expect(await files.get('a', 'away')).toMatchObject({ state: 'active' });
  expect(await records.get(digest)).toMatchObject({ state: 'active', badChunks: [] });
});

test('bad content that is put back is set aside again, and a file that does not say so yet says so', async () => {
  const { files, records, damage, verifier } = parts();
  const digest = await store({ files }, 'bad');
  await damage.quarantine(digest, [0], 'verify');
  const content = contentPath(paths.blobs, digest);
  await copyFile(contentPath(paths.quarantine, digest), content);
  await copyFile(manifestPath(paths.quarantine, digest), manifestPath(paths.blobs, digest));
  await writeFile(content, randomBytes(1000));
  await files.setQuarantine(digest, false);
  expect(await verifier.verify(digest, { foundBy: 'verify', signal: now() })).toEqual([0]);
  expect(await blobs.has(digest)).toBe(false);
  expect(await files.get('a', 'bad')).toMatchObject({ state: 'quarantined' });
  expect(await records.get(digest)).toMatchObject({ state: 'quarantined', badChunks: [0] });
});

test('an operation that was cancelled before its job ran ends as cancelled', async () => {
  const all = parts();
  const { operations } = all;
  const content = randomBytes(1000);
  await blobs.placeSmall(content, sha256(content));
  const input = { tenantId: 'a', fileId: 'f', sha256: sha256(content), sizeBytes: 1000, repair: false };
  await operations.create({ tenantId: 'a', operationId: 'o', kind: 'verify-file', input });
  await operations.requestCancel('a', 'o');
  await runVerifyOperation({ tenantId: 'a', operationId: 'o', input }, all, now());
  expect(await operations.get('a', 'o')).toMatchObject({ done: true, error: { reason: 'CANCELLED' } });
});
