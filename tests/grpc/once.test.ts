import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { once } from '../../src/grpc/once.ts';
import { PostgresRequestStore } from '../../src/operations/postgres-request-store.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
afterAll(() => database.close());

test('a repeat whose client goes away waits no longer for the first one', async () => {
  const requests = new PostgresRequestStore(database.postgres, systemClock);
  const request = {
    method: 'DeleteFile',
    tenantId: 'a',
    requestId: 'r',
    message: { name: 'tenants/a/files/f' },
    type: 'longshore.v1.DeleteFileRequest',
    answer: 'longshore.v1.File',
  };
  let finish = (): void => undefined;
  const running = new Promise<void>((started) => {
    const act = () =>
      new Promise<object>((resolve) => {
        finish = () => resolve({});
        started();
      });
    void once(requests, request, new AbortController().signal, act);
  });
  await running;
  const gone = AbortSignal.abort(new Error('the client went away'));
  await expect(once(requests, request, gone, async () => ({}))).rejects.toThrow('the client went away');
  finish();
  let runs = 1;
  const repeat = async () => ({ runs: (runs += 1) });
  await once(requests, request, AbortSignal.timeout(5000), repeat);
  expect(runs).toBe(1);
});
