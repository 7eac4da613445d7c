import { afterAll, describe } from 'vitest';
import { PostgresBlobRecordStore } from '../../src/blobs/postgres-blob-record-store.ts';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { blobRecordStoreContract } from './blob-record-store-contract.ts';

const database = await createTestDatabase();
afterAll(() => database.close());

describe('the store of blob records in Postgres', () => {
  blobRecordStoreContract(() => ({
    blobs: new PostgresBlobRecordStore(database.postgres),
    otherBlobs: new PostgresBlobRecordStore(database.connect()),
    files: new PostgresFileStore(database.connect()),
  }));
});
