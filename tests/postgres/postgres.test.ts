import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LongshoreError } from '../../src/errors.ts';
import { isForeignKeyViolation, isUniqueViolation } from '../../src/postgres/error.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startTcpSwitch } from '../support/tcp-switch.ts';

const database = await createTestDatabase({ empty: true });
afterAll(() => database.close());
const { postgres } = database;

beforeAll(async () => {
  await postgres.query('create table accounts (name text primary key, amount bigint not null)');
  await postgres.query('create table owners (account text constraint owners_account references accounts)');
});

async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('a statement', () => {
  it('returns rows with numbers, bytes, times and JSON as JavaScript has them', async () => {
    const { rows, count } = await postgres.query(
      `select 9007199254740991::bigint as size, '\\x00ff'::bytea as digest, '{"a": [1]}'::jsonb as labels,
              '2030-01-01T00:00:00.123Z'::timestamptz as time, null as nothing`,
    );
    expect(count).toBe(1);
    expect(rows).toEqual([
      {
        size: Number.MAX_SAFE_INTEGER,
        digest: Buffer.from([0, 255]),
        labels: { a: [1] },
        time: new Date('2030-01-01T00:00:00.123Z'),
        nothing: null,
      },
    ]);
  });

  it('fails rather than round a number that JavaScript cannot hold', async () => {
    await expect(postgres.query('select 9007199254740993::bigint')).rejects.toThrow(RangeError);
  });

  it('can be prepared by name', async () => {
    for (const value of ['a', 'b']) {
      const { rows } = await postgres.query('select $1::text as value', [value], { name: 'echo' });
      expect(rows).toEqual([{ value }]);
    }
  });

  it('that is refused leaves the refusal to its store, and the connection in use', async () => {
    const one = database.connect({ connectionsMax: 1 });
    const before = await one.query('select pg_backend_pid() as pid');
    await one.query(`insert into accounts values ('twice', 0)`);
    const twice = await thrownBy(one.query(`insert into accounts values ('twice', 0)`));
    expect(isUniqueViolation(twice)).toBe(true);
    expect(isUniqueViolation(twice, 'accounts_pkey')).toBe(true);
    expect(isUniqueViolation(twice, 'another')).toBe(false);
    const orphan = await thrownBy(one.query(`insert into owners values ('nobody')`));
    expect(isForeignKeyViolation(orphan, 'owners_account')).toBe(true);
    expect(await one.query('select pg_backend_pid() as pid')).toEqual(before);
  });

  it('that runs too long ends as DATABASE_UNAVAILABLE', async () => {
    const impatient = database.connect({ statementTimeoutMs: 100 });
    await expect(impatient.query('select pg_sleep(20)')).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
    });
    expect((await impatient.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
  });

  it('ends at once with the reason of its signal, and its connection is not used again', async () => {
    const one = database.connect({ connectionsMax: 1 });
    const { rows } = await one.query<{ pid: number }>('select pg_backend_pid() as pid');
    const controller = new AbortController();
    const sleeping = one.query('select pg_sleep(20)', [], { signal: controller.signal });
    await delay(50);
    const reason = new LongshoreError('WRITER_SUPERSEDED', 'Another writer took over.');
    const sinceMs = performance.now();
    controller.abort(reason);
    expect(await thrownBy(sleeping)).toBe(reason);
    expect(performance.now() - sinceMs).toBeLessThan(1_000);
    const after = await one.query<{ pid: number }>('select pg_backend_pid() as pid');
    expect(after.rows[0]?.pid).not.toBe(rows[0]?.pid);
  });

  it('that was given up ends at the server too, and its locks with it', async () => {
    await postgres.query(`insert into accounts values ('locked', 0)`);
    const controller = new AbortController();
    const signal = controller.signal;
    const holding = postgres.query(
      `with locked as (select from accounts where name = 'locked' for update) select pg_sleep(20) from locked`,
      [],
      { signal },
    );
    await delay(100);
    controller.abort();
    await expect(holding).rejects.toMatchObject({ reason: 'CANCELLED' });
    const sinceMs = performance.now();
    await postgres.query(`update accounts set amount = 1 where name = 'locked'`);
    expect(performance.now() - sinceMs).toBeLessThan(5_000);
  });

  it('is not sent when the signal was aborted before', async () => {
    const options = { signal: AbortSignal.abort() };
    const statement = postgres.query(`insert into accounts values ('never', 0)`, [], options);
    await expect(statement).rejects.toMatchObject({ reason: 'CANCELLED' });
    expect((await postgres.query(`select from accounts where name = 'never'`)).count).toBe(0);
  });
});

describe('a transaction', () => {
  it('commits what its work did and returns what it returned', async () => {
    const result = await postgres.transaction(async (sql) => {
      await sql.query(`insert into accounts values ('kept', 1)`);
      return 7;
    });
    expect(result).toBe(7);
    expect((await postgres.query(`select from accounts where name = 'kept'`)).count).toBe(1);
  });

  it('is rolled back when its work throws, and throws that', async () => {
    const reason = new LongshoreError('ETAG_MISMATCH', 'The file has changed.');
    const failing = postgres.transaction(async (sql) => {
      await sql.query(`insert into accounts values ('undone', 1)`);
      throw reason;
    });
    expect(await thrownBy(failing)).toBe(reason);
    expect((await postgres.query(`select from accounts where name = 'undone'`)).count).toBe(0);
  });

  it('does not pass for committed when its work went on after a failed statement', async () => {
    const careless = postgres.transaction(async (sql) => {
      await sql.query(`insert into accounts values ('careless', 1)`);
      await sql.query('select 1 / 0').catch(() => undefined);
    });
    await expect(careless).rejects.toMatchObject({ reason: 'INTERNAL' });
    expect((await postgres.query(`select from accounts where name = 'careless'`)).count).toBe(0);
  });

  it('runs again after a deadlock, so that both of two that met come through', async () => {
    await postgres.query(`insert into accounts values ('left', 0), ('right', 0)`);
    let runs = 0;
    let meet = (): void => undefined;
    const met = new Promise<void>((resolve) => (meet = resolve));
    const add = (first: string, second: string): Promise<void> =>
      postgres.transaction(async (sql) => {
        await sql.query('update accounts set amount = amount + 1 where name = $1', [first]);
        if (++runs === 2) meet();
        await met;
        await sql.query('update accounts set amount = amount + 1 where name = $1', [second]);
      });
    await Promise.all([add('left', 'right'), add('right', 'left')]);
    const { rows } = await postgres.query(`select amount from accounts where name in ('left', 'right')`);
    expect(rows).toEqual([{ amount: 2 }, { amount: 2 }]);
    // Whoever was rolled back may take its first row again before the other has taken it up, and they meet once more.
    expect(runs).toBeGreaterThanOrEqual(3);
  });

  it('gives up as DATABASE_UNAVAILABLE when it cannot be serialized four times', async () => {
    await postgres.query(`insert into accounts values ('busy', 0)`);
    let runs = 0;
    const contended = postgres.transaction(
      async (sql) => {
        runs++;
        await sql.query(`select amount from accounts where name = 'busy'`);
        await postgres.query(`update accounts set amount = amount + 1 where name = 'busy'`);
        await sql.query(`update accounts set amount = amount * 2 where name = 'busy'`);
      },
      { isolation: 'repeatable read' },
    );
    await expect(contended).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
    expect(runs).toBe(4);
  });

  it('may be told to change nothing', async () => {
    const writing = postgres.transaction((sql) => sql.query('delete from accounts'), { readOnly: true });
    await expect(writing).rejects.toMatchObject({ cause: { code: '25006' } });
  });

  it('is rolled back when its signal ends it, between its statements too', async () => {
    const controller = new AbortController();
    const aborted = postgres.transaction(
      async (sql) => {
        await sql.query(`insert into accounts values ('aborted', 1)`);
        controller.abort();
        await sql.query('select 1');
      },
      { signal: controller.signal },
    );
    await expect(aborted).rejects.toMatchObject({ reason: 'CANCELLED' });
    expect((await postgres.query(`select from accounts where name = 'aborted'`)).count).toBe(0);
  });

  it('whose connection dies between two statements fails, and the process lives', async () => {
    const killed = postgres.transaction(async (sql) => {
      const { rows } = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
      await postgres.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await delay(100);
      await sql.query('select 1');
    });
    await expect(killed).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
  });
});

describe('when connections are short', () => {
  it('a caller waits for one only so long', async () => {
    const small = database.connect({ connectionsMax: 1, connectTimeoutMs: 100 });
    const sleeping = small.query('select pg_sleep(0.5)');
    await expect(small.query('select 1')).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
      retryAfterMs: expect.any(Number) as number,
    });
    await sleeping;
    expect((await small.query('select 1 as n')).count).toBe(1);
  });

  it('callers beyond the limit are refused at once', async () => {
    const small = database.connect({ connectionsMax: 1, waitersMax: 2 });
    const running = [1, 2, 3].map(() => small.query('select pg_sleep(0.1)'));
    await delay(10);
    await expect(small.query('select 1')).rejects.toThrow('More than 2 requests wait');
    expect(await Promise.all(running)).toHaveLength(3);
  });

  it('a caller that gives up waiting takes nothing with it', async () => {
    const small = database.connect({ connectionsMax: 1 });
    const sleeping = small.query('select pg_sleep(0.2)');
    const controller = new AbortController();
    const waiting = small.query('select 1', [], { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ reason: 'CANCELLED' });
    await sleeping;
    expect((await small.query('select 1 as n')).count).toBe(1);
    expect(small.pool.idleCount).toBe(1);
  });
});

describe('when the database goes away', () => {
  it('statements fail as DATABASE_UNAVAILABLE with a hint and a cause, and pass again when it is back', async () => {
    await using link = await startTcpSwitch(database.url);
    const lines: string[] = [];
    const far = createPostgres({ url: link.url, onLog: (line) => lines.push(line) });
    try {
      await far.query('select 1');
      const running = thrownBy(far.query('select pg_sleep(20)'));
      await delay(50);
      link.off();
      for (const error of [await running, await thrownBy(far.query('select 1'))]) {
        expect(error).toMatchObject({ reason: 'DATABASE_UNAVAILABLE', retryAfterMs: 1_000 });
        expect((error as Error).cause).toBeInstanceOf(Error);
      }
      const transaction = far.transaction((sql) => sql.query('select 1'));
      await expect(transaction).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
      link.on();
      expect((await far.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
    } finally {
      await far.close();
    }
  });

  it('nobody waits for ever for a connection that is silent', async () => {
    await using link = await startTcpSwitch(database.url);
    const far = createPostgres({ url: link.url, connectTimeoutMs: 200 });
    try {
      link.freeze();
      await expect(far.query('select 1')).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
      link.on();
      expect((await far.query('select 1 as n')).count).toBe(1);
    } finally {
      await far.close();
    }
  });

  it('a pool closes all the same when the database is silent', async () => {
    await using link = await startTcpSwitch(database.url);
    const far = createPostgres({ url: link.url, closeTimeoutMs: 100 });
    await far.query('select 1');
    const running = expect(far.query('select pg_sleep(20)')).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
    });
    await delay(50);
    link.freeze();
    const sinceMs = performance.now();
    await far.close();
    expect(performance.now() - sinceMs).toBeLessThan(5_000);
    await running;
  });

  it('a pool that was closed says so as DATABASE_UNAVAILABLE', async () => {
    const closed = createPostgres({ url: database.url });
    await closed.close();
    await closed.close();
    await expect(closed.query('select 1')).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
  });
});
