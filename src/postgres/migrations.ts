import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import type pg from 'pg';
import { LongshoreError } from '../errors.ts';
import { withOwnConnection } from './connection.ts';
import { databaseUnavailable, translatePostgresError } from './error.ts';
import { NOTICE_OUR_END } from './postgres.ts';

/** Beside `src/` and `dist/`. */
const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../migrations/', import.meta.url));
const SERVER_VERSION_MIN = 14;
const CONNECT_TIMEOUT_MS = 10_000;

/** Held for each migration's transaction, so that of processes that start together one migrates and the others wait. */
const ADVISORY_LOCK = 0x6c6f6e67; // "long"

export interface Migration {
  readonly version: number;
  /** The file's name without `.sql`, for example `0001-files`. */
  readonly name: string;
}

export interface MigrationOptions {
  readonly url: string;
  readonly folder?: string;
  readonly signal?: AbortSignal;
  readonly onLog?: (line: string) => void;
}

interface MigrationFile extends Migration {
  readonly sql: string;
  readonly checksum: string;
}

/**
 * Applies the migrations that the database lacks, in order, each in a transaction of its own, and returns them. May be called by
 * several processes at once. There is no time limit on a migration: the signal ends the wait.
 *
 * @throws LongshoreError DATABASE_UNAVAILABLE when the database does not answer, is older than Postgres 14, is newer than this
 *   code, or when a migration was edited after it was applied; the message says which.
 */
export async function migrate(options: MigrationOptions): Promise<Migration[]> {
  const files = await readMigrations(options.folder ?? MIGRATIONS_FOLDER);
  return withClient(options, async (client) => {
    const done: Migration[] = [];
    for (;;) {
      const applied = await applyNext(client, files);
      if (applied === null) return done;
      options.onLog?.(`Applied migration ${applied.name}.`);
      done.push(applied);
    }
  });
}

/** The migrations that `migrate` would apply; changes nothing. Throws as `migrate` does. */
export async function pendingMigrations(options: MigrationOptions): Promise<Migration[]> {
  const files = await readMigrations(options.folder ?? MIGRATIONS_FOLDER);
  return withClient(options, async (client) => {
    const table = await client.query<{ found: boolean }>(
      `select to_regclass('schema_migrations') is not null as found`,
    );
    const pending = table.rows[0]?.found === true ? await compare(client, files) : files;
    return pending.map(({ version, name }) => ({ version, name }));
  });
}

async function applyNext(client: pg.Client, files: readonly MigrationFile[]): Promise<Migration | null> {
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
    await client.query(
      `create table if not exists schema_migrations (
         version integer primary key,
         name text not null,
         checksum text not null,
         apply_time timestamptz not null default now()
       )`,
    );
    const next = (await compare(client, files))[0];
    if (next !== undefined) {
      await client.query(next.sql).catch((cause: unknown) => {
        throw new LongshoreError('INTERNAL', `Migration ${next.name} failed: ${String(cause)}`, { cause });
      });
      await client.query('insert into schema_migrations (version, name, checksum) values ($1, $2, $3)', [
        next.version,
        next.name,
        next.checksum,
      ]);
    }
    await client.query('commit');
    return next === undefined ? null : { version: next.version, name: next.name };
  } catch (error) {
    // Ends the transaction where the connection still stands; where it does not, the server has done so.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** What is left to apply, after a check that the database holds what our files say and nothing else. */
async function compare(client: pg.Client, files: readonly MigrationFile[]): Promise<MigrationFile[]> {
  const { rows } = await client.query<{ version: number; name: string; checksum: string }>(
    'select version, name, checksum from schema_migrations order by version',
  );
  for (const row of rows) {
    const file = files[row.version - 1];
    if (file === undefined) {
      throw databaseUnavailable(
        `The database is newer than this longshore: it has migration ${row.name}, and we know ${files.length}. ` +
          'Run the version that applied it, or a newer one.',
      );
    }
    if (file.checksum !== row.checksum) {
      throw databaseUnavailable(
        `Migration ${file.name} was edited after it was applied to this database. ` +
          'Restore the file, and put the change into a new migration.',
      );
    }
  }
  return files.slice(rows.length);
}

async function readMigrations(folder: string): Promise<MigrationFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (file, index) => {
      const version = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1]);
      if (version !== index + 1) {
        const wanted = String(index + 1).padStart(4, '0');
        throw new LongshoreError(
          'INTERNAL',
          `Migration ${file} in ${folder} should be named ${wanted}-<what>.sql.`,
        );
      }
      // A checkout on another system may end its lines otherwise.
      const sql = (await readFile(path.join(folder, file), 'utf8')).replaceAll('\r\n', '\n');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { version, name: file.slice(0, -'.sql'.length), sql, checksum };
    }),
  );
}

/** A connection of its own: a migration may take longer than the pool lets a statement take. */
async function withClient<T>(options: MigrationOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const connection = {
    connectionString: options.url,
    application_name: 'longshore migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    signal: options.signal,
  };
  try {
    return await withOwnConnection(connection, async (client) => {
      await client.query(`set statement_timeout = 0; set lock_timeout = 0; ${NOTICE_OUR_END}`);
      const { rows } = await client.query<{ server_version: string }>('show server_version');
      const version = rows[0]?.server_version ?? '';
      if (Number.parseInt(version, 10) >= SERVER_VERSION_MIN) return work(client);
      throw databaseUnavailable(
        `The database is Postgres ${version}; longshore needs ${SERVER_VERSION_MIN} or later.`,
      );
    });
  } catch (error) {
    throw translatePostgresError(error);
  }
}
