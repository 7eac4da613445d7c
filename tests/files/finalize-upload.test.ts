import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DiskBlobStore } from '../../src/blobs/disk-blob-store.ts';
import { makeDurableFolder } from '../../src/blobs/durable-folder.ts';
import { layout } from '../../src/blobs/layout.ts';
import { PartFiles } from '../../src/blobs/part-files.ts';
import { systemClock } from '../../src/clock.ts';
import { UploadFinalizer } from '../../src/files/finalize-upload.ts';
import { MediaTypes } from '../../src/files/media-type.ts';
import { OpenUpload } from '../../src/files/open-upload.ts';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { PostgresUploadStore } from '../../src/files/postgres-upload-store.ts';
import { TenantQuota } from '../../src/files/tenant-quota.ts';
import { writerSuperseded } from '../../src/files/upload-closed.ts';
import { UploadReceiver } from '../../src/files/upload-receiver.ts';
import type { NewUpload } from '../../src/files/upload-store.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { sha256 } from '../support/digest.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { specOf } from './sample-file.ts';
import { uploadOf } from './sample-upload.ts';

const paths = layout(temporaryFolder());
const blobs = new DiskBlobStore(paths);
const partFiles = new PartFiles(paths, systemClock);
const mediaTypes = new MediaTypes({
  allowed: [],
  blocked: [],
  limits: [],
  fileBytesMax: 2 ** 30,
  emptyAllowed: true,
});
let database: TestDatabase;
let uploads: PostgresUploadStore;
let files: PostgresFileStore;
let receiver: UploadReceiver;

beforeAll(async () => {
  database = await createTestDatabase();
  uploads = new PostgresUploadStore(database.postgres);
  files = new PostgresFileStore(database.postgres);
  const space = () => blobs.space();
  receiver = new UploadReceiver(uploads, partFiles, systemClock, () => 2 ** 30, space);
  await makeDurableFolder(paths.uploads);
});

afterAll(async () => {
  await blobs.close();
  await database.close();
});

function finalizerWith(tenantBytesMax = 0): UploadFinalizer {
  const quota = new TenantQuota(files, systemClock, tenantBytesMax);
  return new UploadFinalizer(uploads, files, blobs, partFiles, mediaTypes, quota, createMetrics());
}

const soon = () => AbortSignal.timeout(10_000);

/** An upload of tenant `t` whose bytes have all been received. */
async function received(
  uploadId: string,
  fileId: string,
  content: Buffer,
  changes: Partial<NewUpload> = {},
): Promise<OpenUpload> {
  await uploads.create(
    uploadOf('t', uploadId, specOf(fileId, { mediaType: '' }), { totalSize: content.length, ...changes }),
  );
  const open = await receiver.attach('t', uploadId, soon());
  if (!(open instanceof OpenUpload)) throw new Error('the upload takes no bytes');
  await open.write({ offset: 0, segments: [content], bytes: content.length, crc32c: null });
  return open;
}

test('an upload whose name is taken is open again, also when its content is known, and so can expire', async () => {
  const content = randomBytes(1000);
  await finalizerWith().finalize(await received('first', 'taken', content), null);
  const open = await received('second', 'taken', content, {
    mustNotExist: true,
    expireTime: new Date(Date.now() + 2000),
  });
  const finished = finalizerWith().finalize(open, null);
  await expect(finished).rejects.toMatchObject({ reason: 'ALREADY_EXISTS' });
  await receiver.detach(open);
  expect(await uploads.get('t', 'second')).toMatchObject({ state: 'open' });
  const expired = await uploads.expire(new Date(Date.now() + 3000), 10);
  expect(expired.map(({ uploadId }) => uploadId)).toEqual(['second']);
});

test('one that a dead process left half finalised is open again too when its name is taken by now', async () => {
  const content = randomBytes(1000);
  await finalizerWith().finalize(await received('third', 'taken-too', content), null);
  const open = await received('fourth', 'taken-too', content, { mustNotExist: true });
  await uploads.beginFinalize('t', 'fourth', sha256(content));
  await receiver.detach(open);
  const recovered = finalizerWith().recover(await uploads.get('t', 'fourth'), soon());
  await expect(recovered).rejects.toMatchObject({ reason: 'ALREADY_EXISTS' });
  expect(await uploads.get('t', 'fourth')).toMatchObject({ state: 'open' });
});

test('a writer that was superseded while it hashed does not fail the upload for the newer one', async () => {
  const open = await received('contested', 'contested', randomBytes(5 * 2 ** 20));
  const finished = finalizerWith().finalize(open, '0'.repeat(64));
  await Promise.all([
    expect(finished).rejects.toMatchObject({ reason: 'WRITER_SUPERSEDED' }),
    receiver.release('contested', writerSuperseded()),
  ]);
  expect(await uploads.get('t', 'contested')).toMatchObject({ state: 'open' });
});

test('what was announced is held against the quota when it is finished, whatever else is on its way', async () => {
  const finalizer = finalizerWith(5000);
  await database.postgres.query(`delete from files where tenant_id = 't'`);
  const [one, two] = [
    await received('quota-1', 'quota-1', randomBytes(3000)),
    await received('quota-2', 'quota-2', randomBytes(3000)),
  ];
  await finalizer.finalize(one, null);
  await expect(finalizer.finalize(two, null)).rejects.toMatchObject({ reason: 'QUOTA_EXCEEDED' });
  expect(await uploads.get('t', 'quota-2')).toMatchObject({ state: 'open' });
  await receiver.detach(two);
});
