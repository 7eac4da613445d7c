import { afterAll, describe } from 'vitest';
import { OPERATIONS_CHANNEL, PostgresOperationStore } from '../../src/operations/postgres-operation-store.ts';
import { hearNotifications } from '../support/hear-notifications.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { operationStoreContract } from './operation-store-contract.ts';

const database = await createTestDatabase();
const heard = await hearNotifications(database.url, OPERATIONS_CHANNEL);
afterAll(async () => {
  await heard.close();
  await database.close();
});

describe('the store of operations in Postgres', () => {
  operationStoreContract(() => ({
    operations: new PostgresOperationStore(database.postgres),
    otherOperations: new PostgresOperationStore(database.connect()),
    announced: (count) => heard.next(count),
  }));
});
