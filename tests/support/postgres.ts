import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { createPostgres, type Postgres, type PostgresOptions } from '../../src/postgres/postgres.ts';
import { databaseUrl } from './postgres-server.ts';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  /** A pool on it; further ones from `connect`. */
  readonly postgres: Postgres;
  /** Another pool on the same database, as a second server process would have; closed with the database. */
  connect(options?: Omit<PostgresOptions, 'url'>): Postgres;
  /** Closes every pool and drops the database. */
  close(): Promise<void>;
}

/**
 * A database of the caller's own on the run's Postgres, with all migrations applied (or none, when `empty`). For one test
 * file: `const database = await createTestDatabase(); afterAll(() => database.close());`
 */
export async function createTestDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const adminUrl = inject('postgresAdminUrl');
  const name = `longshore_test_${randomBytes(8).toString('hex')}`;
  const template = options.empty === true ? 'template0' : inject('postgresTemplate');
  await administer(adminUrl, `create database ${name} template ${template}`);
  const url = databaseUrl(adminUrl, name);
  const pools: Postgres[] = [];
  const connect = (poolOptions: Omit<PostgresOptions, 'url'> = {}): Postgres => {
    const pool = createPostgres({ connectionsMax: 5, ...poolOptions, url });
    pools.push(pool);
    return pool;
  };
  const close = async (): Promise<void> => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
    await administer(adminUrl, `drop database if exists ${name} with (force)`);
  };
  return { url, postgres: connect(), connect, close, [Symbol.asyncDispose]: close };
}

/** Copies of one template queue for its lock by themselves; nobody else may be connected to it. */
async function administer(adminUrl: string, statement: string): Promise<void> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  try {
    await admin.query(statement);
  } finally {
    await admin.end();
  }
}
