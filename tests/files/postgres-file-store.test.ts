import { afterAll, describe } from 'vitest';
import { PostgresBlobRecordStore } from '../../src/blobs/postgres-blob-record-store.ts';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { PostgresUploadStore } from '../../src/files/postgres-upload-store.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { fileStoreContract } from './file-store-contract.ts';

const database = await createTestDatabase();
afterAll(() => database.close());

describe('the store of files in Postgres', () => {
  fileStoreContract(() => ({
    files: new PostgresFileStore(database.postgres),
    otherFiles: new PostgresFileStore(database.connect()),
    blobs: new PostgresBlobRecordStore(database.postgres),
    uploads: new PostgresUploadStore(database.postgres),
  }));
});
