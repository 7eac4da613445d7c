import { afterAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from './support/postgres.ts';

const database = await createTestDatabase();
afterAll(() => database.close());
const { postgres } = database;

describe('a statement', () => {
  it('returns its rows', async () => {
    const { rows } = await postgres.query<{ n: number }>('select 1::bigint as n');
    expect(rows).toEqual([{ n: 1 }]);
  });
});
