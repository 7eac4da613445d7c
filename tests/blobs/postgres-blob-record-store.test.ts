import { afterAll, describe, expect, it } from 'vitest';
import { PostgresBlobRecordStore } from '../../src/blobs/postgres-blob-record-store.ts';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { contentOf, PlacedBytes, specOf } from '../files/sample-file.ts';
import { until } from '../support/until.ts';
import { blobRecordStoreContract } from './blob-record-store-contract.ts';

const database = await createTestDatabase();
afterAll(() => database.close());

describe('the store of blob records in Postgres', () => {
  blobRecordStoreContract(() => ({
    blobs: new PostgresBlobRecordStore(database.postgres),
    otherBlobs: new PostgresBlobRecordStore(database.connect()),
    files: new PostgresFileStore(database.connect()),
  }));

  it('finds a blob that its last file let go of while it was looked at', async () => {
    const blobs = new PostgresBlobRecordStore(database.postgres);
    const files = new PostgresFileStore(database.connect());
    const bytes = new PlacedBytes();
    const content = contentOf('let go of at the last moment');
    const options = { mustNotExist: false, uploadId: null };
    for (const fileId of ['first', 'last']) {
      await files.commit('late', specOf(fileId), content, options, bytes.place(content.sha256));
    }
    const hourAgo = new Date(Date.now() - 3_600_000);
    const inAnHour = new Date(Date.now() + 3_600_000);
    await files.delete('late', 'first', { etag: null, allowMissing: false, purgeTime: hourAgo });
    await files.purge(new Date(), 10);
    const collect = () => blobs.collect(inAnHour, 10, bytes.remove, AbortSignal.timeout(10_000));
    let looking: Promise<number> = Promise.resolve(0);
    await database.connect().transaction(async (sql) => {
      await sql.query(`delete from files where tenant_id = 'late'`);
      await sql.query('update blobs set release_time = now() where sha256 = $1', [
        Buffer.from(content.sha256, 'hex'),
      ]);
      looking = collect();
      await until(async () => {
        const waiting = await sql.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return waiting.count > 0;
      });
    });
    expect((await looking) + (await collect())).toBe(1);
    expect(await blobs.get(content.sha256)).toBeNull();
  });
});
