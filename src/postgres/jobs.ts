import { EventEmitter } from 'node:events';
import { Logger as WorkerLogger, run, type Runner, type TaskList, type WorkerEvents } from 'graphile-worker';
import type pg from 'pg';
import { systemClock, type Clock } from '../clock.ts';
import type { Logger } from '../telemetry/log.ts';

/** What a job does. It may be run again after a crash, so doing it twice must do no harm. */
export type Task = (payload: unknown, signal: AbortSignal) => Promise<void>;

export interface JobOptions {
  /** Only one job of this key waits at a time. */
  key?: string;
  runAt?: Date;
}

/** Background work in Postgres, shared by all processes: each job is done by one of them, and by another when that one dies. */
export interface Jobs {
  add(task: string, payload: object, options?: JobOptions): Promise<void>;
  /** Runs `task` every `intervalMs`, in one of the processes; the first time one interval from now at the latest. */
  every(intervalMs: number, task: string): Promise<void>;
  /** Waits for running jobs, which hear of it by their signal. */
  stop(): Promise<void>;
}

const CONCURRENCY = 2;
const ATTEMPTS_MAX = 5;
/** How often to look for jobs that are due; new ones are announced at once. */
const POLL_INTERVAL_MS = 2000;
/** How often a process says that it is still at its jobs. */
const HEARTBEAT_MS = 5000;
/** Jobs of a process that has been silent this long are given to others. (graphile-worker itself waits four hours.) */
const SILENT_SECONDS_MAX = 30;
const RESTART_DELAY_MS = 1000;

export async function startJobs(
  pool: pg.Pool,
  tasks: Readonly<Record<string, Task>>,
  log: Logger,
  clock: Clock = systemClock,
): Promise<Jobs> {
  const stopping = new AbortController();
  const periods = new Map<string, number>();
  const pools: WorkerPools = { alive: new Set(), ended: new Set() };
  /** Names of the tasks that run here, one entry for each. */
  const underWay: string[] = [];
  const taskList: TaskList = {};
  for (const [name, task] of Object.entries(tasks)) {
    taskList[name] = async (payload) => {
      underWay.push(name);
      try {
        await task(payload, stopping.signal);
      } finally {
        underWay.splice(underWay.indexOf(name), 1);
        if (!stopping.signal.aborted) await schedule(name, true);
      }
    };
  }
  const schedule = async (task: string, hasRun: boolean): Promise<void> => {
    const intervalMs = periods.get(task);
    if (intervalMs === undefined) return;
    const runAt = new Date(clock.nowMs() + intervalMs);
    if (await isWanted(pool, task, runAt, hasRun)) {
      await runner.addJob(
        task,
        {},
        { jobKey: keyOf(task), jobKeyMode: 'replace', runAt, maxAttempts: ATTEMPTS_MAX },
      );
    }
  };
  const start = (): Promise<Runner> => run({ ...options(pool, log, pools), taskList });
  let runner = await start();

  /** Jobs whose end could not be told to the database are nobody's once the workers that had them are gone. */
  const releaseEnded = async (): Promise<void> => {
    if (underWay.length > 0 || pools.ended.size === 0) return;
    const ended = [...pools.ended];
    await pool.query('select graphile_worker.force_unlock_workers($1)', [ended]);
    for (const id of ended) pools.ended.delete(id);
  };

  /** What ends by itself (its connections were lost at a bad moment) is started again. */
  const supervise = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await runner.promise.catch((error: unknown) => log.error({ err: error }, 'background work failed'));
      if (stopping.signal.aborted) return;
      log.warn('background work stopped and is started again');
      await clock.sleep(RESTART_DELAY_MS, stopping.signal).catch(() => undefined);
      try {
        if (stopping.signal.aborted) return;
        runner = await start();
        await releaseEnded();
      } catch (error) {
        log.warn({ err: error }, 'background work could not be started again yet');
      }
    }
  };
  const beat = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await clock.sleep(HEARTBEAT_MS, stopping.signal);
        await keepJobs(pool, [...pools.alive], [...underWay]);
        await releaseEnded();
        // One whose end could not be told to the database was not put down for the next time.
        for (const task of periods.keys()) await schedule(task, false);
      } catch (error) {
        if (!stopping.signal.aborted) log.warn({ err: error }, 'background work could not be looked after');
      }
    }
  };
  await releaseSilent(pool);
  const watching = Promise.all([supervise(), beat()]);
  return {
    async add(task, payload, { key, runAt } = {}) {
      await runner.addJob(task, payload, {
        maxAttempts: ATTEMPTS_MAX,
        ...(key === undefined ? {} : { jobKey: key }),
        ...(runAt === undefined ? {} : { runAt }),
      });
    },
    async every(intervalMs, task) {
      periods.set(task, intervalMs);
      await schedule(task, false);
    },
    async stop() {
      stopping.abort();
      // It may have stopped by itself already.
      await runner.stop().catch(() => undefined);
      await watching;
    },
  };
}

/** The ids under which jobs are, or were, locked here. */
interface WorkerPools {
  readonly alive: Set<string>;
  readonly ended: Set<string>;
}

function options(pool: pg.Pool, log: Logger, pools: WorkerPools): Parameters<typeof run>[0] {
  const events: WorkerEvents = new EventEmitter();
  events.on('pool:create', ({ workerPool }) => void pools.alive.add(workerPool.id));
  events.on('pool:release', ({ workerPool }) => {
    pools.alive.delete(workerPool.id);
    pools.ended.add(workerPool.id);
  });
  return {
    pgPool: pool,
    events,
    // Any number, also 0: without one a job whose end cannot be written down rejects where nobody listens, which ends the process.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    parsedCronItems: [],
    concurrency: CONCURRENCY,
    pollInterval: POLL_INTERVAL_MS,
    noHandleSignals: true,
    logger: new WorkerLogger(() => (level, message, meta) => {
      if (level === 'error') log.error({ meta }, message);
      else log.debug({ meta }, message);
    }),
  };
}

function keyOf(task: string): string {
  return `every:${task}`;
}

/**
 * One job of each periodic task waits or runs at a time. Who comes later does not put it off, but has it come earlier when the
 * interval is shorter now than it was; the one that has run wants the next.
 */
async function isWanted(pool: pg.Pool, task: string, runAt: Date, hasRun: boolean): Promise<boolean> {
  const { rows } = await pool.query<{ is_running: boolean; is_later: boolean; is_given_up: boolean }>(
    `select locked_at is not null as is_running, run_at > $2 as is_later, attempts >= max_attempts as is_given_up
     from graphile_worker._private_jobs
     where key = $1`,
    [keyOf(task), runAt],
  );
  const [job] = rows;
  if (!job) return true;
  return job.is_running ? hasRun : job.is_later || job.is_given_up;
}

/**
 * Says that the jobs under way here are alive, and frees those that are not: of processes that died, and of workers of ours that
 * could not tell the database how a job ended.
 */
async function keepJobs(pool: pg.Pool, pools: readonly string[], underWay: readonly string[]): Promise<void> {
  await pool.query(
    `update graphile_worker._private_jobs set locked_at = now()
     where locked_by = any($1)
       and task_id in (select id from graphile_worker._private_tasks where identifier = any($2))`,
    [pools, underWay],
  );
  await pool.query(
    `update graphile_worker._private_jobs set locked_by = null, locked_at = null
     where locked_by = any($1) and locked_at < now() - $2 * interval '1 millisecond'`,
    [pools, HEARTBEAT_MS],
  );
  await releaseSilent(pool);
}

async function releaseSilent(pool: pg.Pool): Promise<void> {
  await pool.query(
    `select graphile_worker.force_unlock_workers(array(
       select distinct locked_by from graphile_worker._private_jobs
       where locked_at < now() - $1 * interval '1 second'))`,
    [SILENT_SECONDS_MAX],
  );
}
