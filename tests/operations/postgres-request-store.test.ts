import { afterAll, describe } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { PostgresRequestStore } from '../../src/operations/postgres-request-store.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { requestStoreContract } from './request-store-contract.ts';

const database = await createTestDatabase();
afterAll(() => database.close());

describe('the store of requests in Postgres', () => {
  requestStoreContract(() => ({
    requests: new PostgresRequestStore(database.postgres, systemClock),
    otherRequests: new PostgresRequestStore(database.connect(), systemClock),
    abandon: async ({ tenantId, requestId, method, fingerprint }) => {
      await database.postgres.query(
        `insert into requests (tenant_id, request_id, method, fingerprint, lease_time)
         values ($1, $2, $3, $4, now() - interval '1 second')`,
        [tenantId, requestId, method, fingerprint],
      );
    },
  }));
});
