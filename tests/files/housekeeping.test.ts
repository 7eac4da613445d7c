import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DiskBlobStore } from '../../src/blobs/disk-blob-store.ts';
import { contentPath, layout } from '../../src/blobs/layout.ts';
import { PostgresBlobRecordStore } from '../../src/blobs/postgres-blob-record-store.ts';
import { systemClock } from '../../src/clock.ts';
import { Damage } from '../../src/files/damage.ts';
import { stored } from '../../src/files/finalize-upload.ts';
import { scrub } from '../../src/files/housekeeping.ts';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { describeContent } from '../../src/files/small-content.ts';
import { Verifier } from '../../src/files/verify-file.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { specOf } from './sample-file.ts';

const paths = layout(temporaryFolder());
const blobs = new DiskBlobStore(paths);
const log = createLogger('silent');
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await blobs.close();
  await database.close();
});

test('a scrub proves everything else when some content cannot be read at all', async () => {
  const metrics = createMetrics();
  const files = new PostgresFileStore(database.postgres);
  const blobRecords = new PostgresBlobRecordStore(database.postgres);
  const damage = new Damage(blobs, blobRecords, files, systemClock, metrics, log);
  const verifier = new Verifier(blobs, blobRecords, damage, systemClock, metrics);
  const digests: string[] = [];
  for (let i = 0; i < 120; i += 1) {
    const content = randomBytes(100);
    const described = await describeContent(content);
    const place = () => blobs.placeSmall(content, described.sha256);
    const options = { mustNotExist: false, uploadId: null };
    await files.commit('t', specOf(`f${i}`), stored(described), options, place);
    digests.push(described.sha256);
  }
  await database.postgres.query(`update blobs set verify_time = now() - interval '1 day'`);
  const [unreadable = ''] = digests;
  // Reading a folder fails as reading a broken disk does: it is neither good nor damaged.
  await rm(contentPath(paths.blobs, unreadable));
  await mkdir(contentPath(paths.blobs, unreadable));
  await blobRecords.recordVerification(unreadable, [], new Date(Date.now() - 2 * 86_400_000));
  const parts = { blobRecords, verifier, clock: systemClock, log };
  const pace = { scrubIntervalMs: 3_600_000, scrubBytesPerSecondMax: 2 ** 30 };
  await scrub({ ...parts, ...pace }, AbortSignal.timeout(15_000));
  const due = await blobRecords.dueForVerification(new Date(Date.now() - 3_600_000), 1000);
  expect(due.map(({ sha256 }) => sha256)).toEqual([unreadable]);
});
