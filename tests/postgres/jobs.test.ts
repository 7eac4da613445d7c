import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock, type Clock } from '../../src/clock.ts';
import { startJobs, type Jobs } from '../../src/postgres/jobs.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startTcpSwitch } from '../support/tcp-switch.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';
import { until } from '../support/until.ts';

const log = createLogger('silent');
let database: TestDatabase;
let running: Jobs[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  for (const jobs of running.splice(0)) await jobs.stop();
  await database.close();
});

async function start(
  tasks: Parameters<typeof startJobs>[1],
  pool = database.connect().pool,
  clock: Clock = systemClock,
): Promise<Jobs> {
  const jobs = await startJobs(pool, tasks, log, clock);
  running.push(jobs);
  return jobs;
}

/** A task that takes as long as its process. */
function heldUntilStopped(_: unknown, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}

async function lockedJobs(): Promise<string[]> {
  const { rows } = await database.postgres.query<{ locked_by: string }>(
    'select locked_by from graphile_worker._private_jobs where locked_by is not null',
  );
  return rows.map((row) => row.locked_by);
}

test('a job is done once, though two processes wait for it', async () => {
  const done: unknown[] = [];
  const tasks = { count: async (payload: unknown) => void done.push(payload) };
  const [one] = await Promise.all([start(tasks), start(tasks)]);
  await one?.add('count', { n: 1 });
  await until(() => done.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(done).toEqual([{ n: 1 }]);
});

test('a job whose process died is done by another one', async () => {
  const jobs = await start({});
  await jobs.add('work', {});
  await jobs.stop();
  running = [];
  await database.postgres.query(
    `update graphile_worker._private_jobs set locked_by = 'worker-of-the-dead', locked_at = now() - interval '1 minute'`,
  );
  let isDone = false;
  await start({ work: async () => void (isDone = true) });
  await until(() => isDone);
});

test('a process that is at a job says so every five seconds, so that nobody takes it away', async () => {
  const clock = new FakeClock(Date.now());
  let isRunning = false;
  const work = async (_: unknown, signal: AbortSignal): Promise<void> => {
    isRunning = true;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  };
  const jobs = await start({ work }, undefined, clock);
  await jobs.add('work', {});
  await until(() => isRunning);
  await database.postgres.query(
    `update graphile_worker._private_jobs set locked_at = now() - interval '29 seconds'`,
  );
  await clock.advance(5000);
  await until(async () => {
    const { rows } = await database.postgres.query<{ fresh: boolean }>(
      `select locked_at > now() - interval '20 seconds' as fresh from graphile_worker._private_jobs`,
    );
    return rows[0]?.fresh === true;
  });
});

test('a job that was given to a process by an answer that never came is done all the same', async () => {
  const clock = new FakeClock(Date.now());
  let isDone = false;
  const jobs = await start(
    { hold: heldUntilStopped, work: async () => void (isDone = true) },
    undefined,
    clock,
  );
  await jobs.add('hold', {});
  await until(async () => (await lockedJobs()).length === 1);
  await jobs.add('work', {}, { runAt: new Date(Date.now() + 3_600_000) });
  // As when the connection is lost between the database's giving it out and our hearing of it.
  const [holder] = await lockedJobs();
  await database.postgres.query(
    `update graphile_worker._private_jobs
     set run_at = now(), locked_by = $1, locked_at = now() - interval '20 seconds'
     where locked_by is null`,
    [holder],
  );
  await clock.advance(5000);
  await until(() => isDone);
});

test('a periodic task that was given up is put down again', async () => {
  let runs = 0;
  const jobs = await start({ tick: async () => void (runs += 1) });
  await jobs.every(3_600_000, 'tick');
  await database.postgres.query(
    'update graphile_worker._private_jobs set attempts = max_attempts, run_at = now()',
  );
  await jobs.every(100, 'tick');
  await until(() => runs > 0);
});

test('a periodic task runs again and again, never twice at once, also when it fails', async () => {
  let atOnce = 0;
  let runs = 0;
  const tasks = {
    tick: async () => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 30));
      atOnce -= 1;
      runs += 1;
      if (runs % 2 === 0) throw new Error('this time it fails');
    },
  };
  const [one, two] = await Promise.all([start(tasks), start(tasks)]);
  await Promise.all([one?.every(50, 'tick'), two?.every(50, 'tick')]);
  await until(() => runs >= 3, 15_000);
});

test('a shorter interval counts at once, also when the last process asked for a longer one', async () => {
  let runs = 0;
  const tasks = { tick: async () => void (runs += 1) };
  await (await start(tasks)).every(3_600_000, 'tick');
  await (await start(tasks)).every(100, 'tick');
  await until(() => runs >= 2);
});

test('work goes on after the database was away', { timeout: 40_000 }, async () => {
  await using way = await startTcpSwitch(database.url);
  const postgres = createPostgres({ url: way.url, connectionsMax: 5 });
  let runs = 0;
  const jobs = await start({ tick: async () => void (runs += 1) }, postgres.pool);
  await jobs.every(20, 'tick');
  await until(() => runs > 0);
  for (let cut = 0; cut < 4; cut += 1) {
    way.off();
    await new Promise((resolve) => setTimeout(resolve, 400));
    way.on();
    const before = runs;
    await until(() => runs > before, 20_000);
  }
  await jobs.stop();
  running = [];
  await postgres.close();
});
