import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DiskBlobStore } from '../../src/blobs/disk-blob-store.ts';
import { layout } from '../../src/blobs/layout.ts';
import { systemClock } from '../../src/clock.ts';
import { MediaTypes } from '../../src/files/media-type.ts';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { SmallFiles } from '../../src/files/small-files.ts';
import { TenantQuota } from '../../src/files/tenant-quota.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { smallDisk, smallDiskMissing } from '../support/small-disk.ts';
import { specOf } from './sample-file.ts';

if (smallDiskMissing !== null) process.stderr.write(`full-disk tests not run: ${smallDiskMissing}\n`);

describe.skipIf(smallDiskMissing !== null)('a small file on a full disk', async () => {
  const database = await createTestDatabase();
  const disk = smallDisk(2 ** 20);
  const blobs = new DiskBlobStore(layout(disk.folder));
  afterAll(async () => {
    await blobs.close();
    disk.unmount();
    await database.close();
  });

  it('is refused with how much room is missing, and nothing is left of it', async () => {
    const files = new PostgresFileStore(database.postgres);
    const rules = { allowed: [], blocked: [], limits: [], fileBytesMax: 2 ** 30, emptyAllowed: true };
    const quota = new TenantQuota(files, systemClock, 0);
    const small = new SmallFiles(files, blobs, new MediaTypes(rules), quota, systemClock, createMetrics());
    const file = { ...specOf('f'), mediaType: '' };
    const store = (content: Buffer) =>
      small.store({ tenantId: 't', file, content, crc32c: null, expectedSha256: null });
    await store(randomBytes(1000));
    writeFileSync(join(disk.folder, 'ballast'), Buffer.alloc(700 * 1024));
    await expect(store(randomBytes(600 * 1024))).rejects.toMatchObject({
      reason: 'STORAGE_FULL',
      retryAfterMs: expect.any(Number) as number,
      metadata: { needed: String(600 * 1024), available: expect.any(String) as string },
    });
    expect(await files.get('t', 'f')).toMatchObject({ sizeBytes: 1000 });
  });
});
