import { Logger as WorkerLogger, run, type Runner, type TaskList } from 'graphile-worker';
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

/** Background work in Postgres, shared by all processes: each job is done by one of them, and tried again when that one dies. */
export interface Jobs {
  add(task: string, payload: object, options?: JobOptions): Promise<void>;
  /** Runs `task` every `intervalMs`, in one of the processes; the first time one interval from now unless it waits already. */
  every(intervalMs: number, task: string): Promise<void>;
  /** Waits for running jobs, which hear of it by their signal. */
  stop(): Promise<void>;
}

const CONCURRENCY = 2;
const ATTEMPTS_MAX = 5;
/** Jobs of a process that died are taken up when it has been silent this long; new ones are announced at once. */
const POLL_INTERVAL_MS = 2000;

export async function startJobs(
  pool: pg.Pool,
  tasks: Readonly<Record<string, Task>>,
  log: Logger,
  clock: Clock = systemClock,
): Promise<Jobs> {
  const stopping = new AbortController();
  const periods = new Map<string, number>();
  const taskList: TaskList = {};
  for (const [name, task] of Object.entries(tasks)) {
    taskList[name] = async (payload) => {
      try {
        await task(payload, stopping.signal);
      } finally {
        const intervalMs = periods.get(name);
        if (intervalMs !== undefined && !stopping.signal.aborted)
          await schedule(runner, name, clock.nowMs() + intervalMs);
      }
    };
  }
  const runner: Runner = await run({
    pgPool: pool,
    taskList,
    parsedCronItems: [],
    concurrency: CONCURRENCY,
    pollInterval: POLL_INTERVAL_MS,
    noHandleSignals: true,
    logger: new WorkerLogger(() => (level, message, meta) => {
      if (level === 'error') log.error({ meta }, message);
      else log.debug({ meta }, message);
    }),
  });
  return {
    async add(task, payload, options = {}) {
      await runner.addJob(task, payload, {
        maxAttempts: ATTEMPTS_MAX,
        ...(options.key === undefined ? {} : { jobKey: options.key }),
        ...(options.runAt === undefined ? {} : { runAt: options.runAt }),
      });
    },
    async every(intervalMs, task) {
      periods.set(task, intervalMs);
      await schedule(runner, task, clock.nowMs() + intervalMs);
    },
    async stop() {
      stopping.abort();
      await runner.stop();
    },
  };
}

/** One job of each periodic task waits at a time; who comes later does not put it off. */
async function schedule(runner: Runner, task: string, runAtMs: number): Promise<void> {
  await runner.addJob(
    task,
    {},
    {
      jobKey: `every:${task}`,
      jobKeyMode: 'preserve_run_at',
      runAt: new Date(runAtMs),
      maxAttempts: ATTEMPTS_MAX,
    },
  );
}
