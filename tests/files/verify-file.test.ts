import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DiskBlobStore } from '../../src/blobs/disk-blob-store.ts';
import { layout } from '../../src/blobs/layout.ts';
import { PostgresBlobRecordStore } from '../../src/blobs/postgres-blob-record-store.ts';
import { systemClock } from '../../src/clock.ts';
import { Damage } from '../../src/files/damage.ts';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { runVerifyOperation, Verifier } from '../../src/files/verify-file.ts';
import { PostgresOperationStore } from '../../src/operations/postgres-operation-store.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { sha256 } from '../support/digest.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const blobs = new DiskBlobStore(layout(temporaryFolder()));
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await blobs.close();
  await database.close();
});

test('an operation that was cancelled before its job ran ends as cancelled', async () => {
  const files = new PostgresFileStore(database.postgres);
  const records = new PostgresBlobRecordStore(database.postgres);
  const operations = new PostgresOperationStore(database.postgres);
  const metrics = createMetrics();
  const damage = new Damage(blobs, records, files, systemClock, metrics, createLogger('silent'));
  const verifier = new Verifier(blobs, records, damage, systemClock, metrics);
  const content = randomBytes(1000);
  await blobs.placeSmall(content, sha256(content));
  const input = { tenantId: 'a', fileId: 'f', sha256: sha256(content), repair: false };
  await operations.create({ tenantId: 'a', operationId: 'o', kind: 'verify-file', input });
  await operations.requestCancel('a', 'o');
  const parts = { verifier, files, operations, clock: systemClock };
  await runVerifyOperation({ tenantId: 'a', operationId: 'o', input }, parts, AbortSignal.timeout(10_000));
  expect(await operations.get('a', 'o')).toMatchObject({ done: true, error: { reason: 'CANCELLED' } });
});
