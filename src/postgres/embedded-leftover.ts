import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';

const run = promisify(execFile);

/** The ways of asking a left-over server to stop, and how long each is given: fast shutdown, immediate shutdown, the end. */
const REQUESTS = [
  { signal: 'SIGINT', patienceMs: 10_000 },
  { signal: 'SIGQUIT', patienceMs: 5_000 },
  { signal: 'SIGKILL', patienceMs: 2_000 },
] as const;
const POLL_MS = 10;

/**
 * Stops whatever still runs on `cluster`, the data folder of a Postgres whose longshore died, so that a new server can
 * start there. The caller holds the lock of the folder. A leftover is stopped and not adopted: it would not die with us,
 * and we would not hear of its end.
 *
 * @param cluster an absolute path without symbolic links.
 * @throws LongshoreError DATABASE_UNAVAILABLE when something there cannot be stopped.
 */
export async function stopLeftover(cluster: string, clock: Clock, signal?: AbortSignal): Promise<void> {
  const pidFile = path.join(cluster, 'postmaster.pid');
  const pid = await postmasterPid(pidFile);
  if (pid === null) return;
  let left = await processesIn(cluster);
  for (const request of REQUESTS) {
    if (left.length === 0) break;
    // The children follow their postmaster; each one is asked only when it is gone or does not listen.
    const postmasterListens = left.includes(pid) && request.signal !== 'SIGKILL';
    for (const target of postmasterListens ? [pid] : left) send(target, request.signal);
    const untilMs = clock.nowMs() + request.patienceMs;
    do {
      await clock.sleep(POLL_MS, signal);
      left = await processesIn(cluster);
    } while (left.length > 0 && clock.nowMs() < untilMs);
  }
  if (left.length > 0) {
    throw new LongshoreError(
      'DATABASE_UNAVAILABLE',
      `A Postgres left over from a longshore that died still runs on ${cluster} (process ${left.join(', ')}) and does not stop. Stop it by hand.`,
    );
  }
  // Its pid belongs to somebody else by now, which would make Postgres refuse to start although no server is left here.
  if (pid > 0 && isAlive(pid)) await rm(pidFile, { force: true });
}

async function postmasterPid(file: string): Promise<number | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error) && error.code === 'ENOENT') return null;
    throw error;
  }
  const pid = Number.parseInt(text, 10);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : 0;
}

/** Every Postgres process that works in the folder. */
async function processesIn(cluster: string): Promise<number[]> {
  if (process.platform !== 'linux') return postmastersByCommand(cluster);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found: number[] = [];
  for (const pid of pids) {
    try {
      // The postmaster and all its children stand in the folder; so may somebody's shell.
      if ((await readlink(`/proc/${pid}/cwd`)) !== cluster) continue;
      if ((await readFile(`/proc/${pid}/comm`, 'utf8')).trim() === 'postgres') found.push(Number(pid));
    } catch (error) {
      // It ended meanwhile, or belongs to another user and so is no Postgres of ours.
      if (!hasCode(error)) throw error;
    }
  }
  return found;
}

async function postmastersByCommand(cluster: string): Promise<number[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,command=']);
  const lines = stdout.split('\n').filter((line) => line.includes(`/postgres -D ${cluster} `));
  return lines.map((line) => Number.parseInt(line, 10));
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(hasCode(error) && error.code === 'ESRCH')) throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error) && error.code === 'EPERM';
  }
}

function hasCode(error: unknown): error is Error & { code: unknown } {
  return error instanceof Error && 'code' in error;
}
