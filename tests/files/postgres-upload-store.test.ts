import { afterAll, describe } from 'vitest';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { PostgresUploadStore, UPLOADS_CHANNEL } from '../../src/files/postgres-upload-store.ts';
import { hearNotifications } from '../support/hear-notifications.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { contentOf } from './sample-file.ts';
import { uploadStoreContract } from './upload-store-contract.ts';

const database = await createTestDatabase();
const heard = await hearNotifications(database.url, UPLOADS_CHANNEL);
afterAll(async () => {
  await heard.close();
  await database.close();
});
const files = new PostgresFileStore(database.postgres);

describe('the store of uploads in Postgres', () => {
  uploadStoreContract(() => ({
    uploads: new PostgresUploadStore(database.postgres),
    otherUploads: new PostgresUploadStore(database.connect()),
    age: async ({ tenantId, uploadId }, time) => {
      await database.postgres.query(
        'update uploads set update_time = $3 where tenant_id = $1 and upload_id = $2',
        [tenantId, uploadId, time],
      );
    },
    complete: async ({ tenantId, uploadId, file }) => {
      const options = { mustNotExist: false, uploadId };
      await files.commit(tenantId, file, contentOf('complete'), options, async () => ({ existed: false }));
    },
    announced: (count) => heard.next(count),
  }));
});
