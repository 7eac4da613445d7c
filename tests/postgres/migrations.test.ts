import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate, pendingMigrations } from '../../src/postgres/migrations.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startTcpSwitch } from '../support/tcp-switch.ts';

const root = await mkdtemp(path.join(tmpdir(), 'longshore-migrations-'));
let folder = '';
let database: TestDatabase;
const databases: TestDatabase[] = [];
afterAll(async () => {
  await Promise.all(databases.map((each) => each.close()));
  await rm(root, { recursive: true });
});

beforeEach(async () => {
  folder = await mkdtemp(path.join(root, 'case-'));
  await add('0001-ships', "create table ships (name text);\ninsert into ships values ('first');");
  await add('0002-harbours', 'create table harbours (name text);');
  database = await createTestDatabase({ empty: true });
  databases.push(database);
});

function add(name: string, sql: string): Promise<void> {
  return writeFile(path.join(folder, `${name}.sql`), sql);
}

function run(): Promise<{ version: number; name: string }[]> {
  return migrate({ url: database.url, folder });
}

describe('migrations', () => {
  it('are applied in order, once', async () => {
    const all = [
      { version: 1, name: '0001-ships' },
      { version: 2, name: '0002-harbours' },
    ];
    expect(await pendingMigrations({ url: database.url, folder })).toEqual(all);
    expect(await run()).toEqual(all);
    expect(await run()).toEqual([]);
    expect(await pendingMigrations({ url: database.url, folder })).toEqual([]);
    expect((await database.postgres.query('select name from ships')).rows).toEqual([{ name: 'first' }]);
  });

  it('that come later are applied to what is there', async () => {
    await run();
    await add('0003-captains', 'alter table ships add captain text;');
    expect(await pendingMigrations({ url: database.url, folder })).toEqual([
      { version: 3, name: '0003-captains' },
    ]);
    expect(await run()).toEqual([{ version: 3, name: '0003-captains' }]);
    expect((await database.postgres.query('select captain from ships')).rows).toEqual([{ captain: null }]);
  });

  it('are applied once when several processes start together', async () => {
    await add('0003-slow', 'select pg_sleep(0.2); create table slow (n int);');
    const runs = await Promise.all([run(), run(), run()]);
    const versions = runs.flat().map(({ version }) => version);
    expect(versions.sort((a, b) => a - b)).toEqual([1, 2, 3]);
    const { rows } = await database.postgres.query('select version from schema_migrations order by version');
    expect(rows).toEqual([{ version: 1 }, { version: 2 }, { version: 3 }]);
    expect((await database.postgres.query('select from ships')).count).toBe(1);
  });

  it('that fail leave nothing of themselves and stop before the next', async () => {
    await add('0003-broken', 'create table half (n int); insert into half values (1); select 1 / 0;');
    await add('0004-after', 'create table after_it (n int);');
    await expect(run()).rejects.toThrow(/0003-broken failed.*division by zero/);
    const { rows } = await database.postgres.query(
      `select to_regclass('half') as half, to_regclass('after_it') as after_it, max(version) as version
       from schema_migrations`,
    );
    expect(rows).toEqual([{ half: null, after_it: null, version: 2 }]);
    await add('0003-broken', 'create table half (n int);');
    expect(await run()).toHaveLength(2);
  });

  it('that were edited after they were applied are refused by name', async () => {
    await run();
    await add('0001-ships', 'create table ships (name text not null);');
    const refused = {
      reason: 'DATABASE_UNAVAILABLE',
      message: expect.stringMatching(/^Migration 0001-ships was edited/) as string,
    };
    await expect(run()).rejects.toMatchObject(refused);
    await expect(pendingMigrations({ url: database.url, folder })).rejects.toMatchObject(refused);
  });

  it('may have their lines ended otherwise', async () => {
    await run();
    await add('0001-ships', "create table ships (name text);\r\ninsert into ships values ('first');");
    expect(await run()).toEqual([]);
  });

  it('that only a newer version knows are refused', async () => {
    await add('0003-future', 'select 1;');
    await run();
    await rm(path.join(folder, '0003-future.sql'));
    await expect(run()).rejects.toThrow(
      /newer than this longshore: it has migration 0003-future, and we know 2/,
    );
  });

  it.each(['0002-twice', '0004-gap', '3-short', '0003-Upper Case'])('named %s are refused', async (name) => {
    await add(name, 'select 1;');
    await expect(run()).rejects.toThrow(`Migration ${name}.sql`);
  });

  it('end with the signal, and their transaction with them', async () => {
    await add('0003-endless', 'create table endless (n int); select pg_sleep(60);');
    const controller = new AbortController();
    const running = migrate({ url: database.url, folder, signal: controller.signal });
    await delay(300);
    controller.abort();
    await expect(running).rejects.toThrow('aborted');
    const { rows } = await database.postgres.query(`select to_regclass('endless') as endless`);
    expect(rows).toEqual([{ endless: null }]);
    // The next one does not wait for what was given up.
    await add('0003-endless', 'select 1;');
    expect(await run()).toEqual([{ version: 3, name: '0003-endless' }]);
  });

  it('end with the signal while the database is silent', async () => {
    await using link = await startTcpSwitch(database.url);
    link.freeze();
    const controller = new AbortController();
    const running = migrate({ url: link.url, folder, signal: controller.signal });
    const sinceMs = performance.now();
    setTimeout(() => controller.abort(), 100);
    await expect(running).rejects.toThrow('aborted');
    expect(performance.now() - sinceMs).toBeLessThan(5_000);
  });

  it('say what is wrong when there is no database', async () => {
    const url = 'postgresql://nobody@localhost:5432/none?host=%2Fnonexistent';
    await expect(migrate({ url, folder })).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
  });

  it('of the repository are applied to the template of the tests, and to nothing twice', async () => {
    const migrated = await createTestDatabase();
    databases.push(migrated);
    expect(await pendingMigrations({ url: migrated.url })).toEqual([]);
    expect(await migrate({ url: migrated.url })).toEqual([]);
  });

  it('are found from a copy of their folder as well', async () => {
    const copy = path.join(root, 'copy');
    await cp(folder, copy, { recursive: true });
    await run();
    expect(await pendingMigrations({ url: database.url, folder: copy })).toEqual([]);
  });
});
