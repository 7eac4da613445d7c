import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
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
import { UploadReceiver } from '../../src/files/upload-receiver.ts';
import { UploadResults } from '../../src/files/upload-results.ts';
import type { WriteUploadResponse } from '../../src/gen/longshore/v1/WriteUploadResponse.ts';
import { MessageSink } from '../../src/grpc/message-sink.ts';
import { MessageSource } from '../../src/grpc/message-source.ts';
import { writeUpload } from '../../src/grpc/write-upload.ts';
import type { WriteRequest } from '../../src/grpc/write-upload-request.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { specOf } from '../files/sample-file.ts';
import { uploadOf } from '../files/sample-upload.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MIB = 2 ** 20;
const paths = layout(temporaryFolder());
const blobs = new DiskBlobStore(paths);
const partFiles = new PartFiles(paths, systemClock);
const metrics = createMetrics();
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await makeDurableFolder(paths.uploads);
});

afterAll(async () => {
  await blobs.close();
  await database.close();
});

/** One stream that sends these messages and ends; gives what it was answered. */
async function stream(
  receiver: UploadReceiver,
  results: UploadResults,
  messages: Partial<WriteRequest>[],
): Promise<WriteUploadResponse[]> {
  const answers: WriteUploadResponse[] = [];
  const call = {
    write(message: WriteUploadResponse, done: () => void) {
      answers.push(message);
      done();
      return true;
    },
  };
  const empty = { upload: '', offset: 0, chunk: null, flush: false, finish: false, finalDigest: null };
  const requests = messages.map((message) => ({ ...empty, ...message }));
  const { signal } = new AbortController();
  const serve = writeUpload({ receiver, results, metrics, idleTimeoutMs: 10_000 });
  const caller = { tenantId: null, role: 'admin', keyId: null } as const;
  await serve(
    new MessageSource<WriteRequest>(Readable.from(requests), signal),
    { caller, signal, log: createLogger('silent') },
    new MessageSink(call, signal),
  );
  return answers;
}

test('streams of a parallel upload leave nothing with it when they end, and say how long the disk took', async () => {
  const uploads = new PostgresUploadStore(database.postgres);
  const files = new PostgresFileStore(database.postgres);
  const bytesMax = () => 2 ** 40;
  const receiver = new UploadReceiver(uploads, partFiles, systemClock, bytesMax, () => blobs.space());
  const rules = { allowed: [], blocked: [], limits: [], fileBytesMax: 2 ** 40, emptyAllowed: true };
  const quota = new TenantQuota(files, systemClock, 0);
  const mediaTypes = new MediaTypes(rules);
  const finalizer = new UploadFinalizer(uploads, files, blobs, partFiles, mediaTypes, quota, metrics);
  const results = new UploadResults(receiver, finalizer, files);
  await uploads.create(uploadOf('t', 'u', specOf('f'), { parallel: true, totalSize: 20 * MIB }));
  const holder = await receiver.attach('t', 'u', AbortSignal.timeout(10_000));
  if (!(holder instanceof OpenUpload)) throw new Error('the upload takes no bytes');
  for (let part = 0; part < 5; part += 1) {
    const chunk = { segments: [Buffer.alloc(MIB, part)], bytes: MIB, crc32c: null };
    const answers = await stream(receiver, results, [
      { upload: 'tenants/t/uploads/u', offset: part * MIB, chunk },
    ]);
    expect(answers.at(-1)?.progress).toMatchObject({ persistedSize: (part + 1) * MIB });
  }
  expect(getEventListeners(holder.ended, 'abort')).toHaveLength(0);
  const { values } = await metrics.syncSeconds.get();
  const count = values.find(({ metricName }) => metricName === 'longshore_sync_seconds_count');
  expect(count?.value).toBeGreaterThanOrEqual(5);
  await receiver.detach(holder);
});
