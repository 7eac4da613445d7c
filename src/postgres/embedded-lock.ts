import { spawn } from 'node:child_process';
import { close, ftruncate, open, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { z } from 'zod';
import { LongshoreError } from '../errors.ts';

const openFile = promisify(open);
const closeFile = promisify(close);
const truncateFile = promisify(ftruncate);
const readFile = promisify(read);
const writeFile = promisify(write);

const HOLDER_BYTES_MAX = 4096;
const holderSchema = z.object({ pid: z.int().positive(), socketFolder: z.string() });

/** What the holder of a data folder writes into the lock file, for the next one to read. */
export interface LockHolder {
  readonly pid: number;
  /** Where its Postgres listens. */
  readonly socketFolder: string;
}

/** The right to run a Postgres in one data folder. */
export interface EmbeddedLock {
  /** Whoever held the lock before and never cleaned up after itself; null after an orderly end. */
  readonly previous: LockHolder | null;
  /** Names us as the holder. */
  write(holder: LockHolder): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lock file at `file`, made when missing and never removed. On Linux it is a kernel lock (`flock`) on our open
 * file, so it ends with our process, however that dies, and it holds between containers that share the folder. Node has no
 * `flock`, but the program of that name locks a descriptor that it inherits, and the lock stays with our copy. Where there
 * is no such program, a living holder's pid decides (and Postgres's own lock stands behind that).
 *
 * @throws LongshoreError DATABASE_UNAVAILABLE when another process holds it, with its pid in the sentence and in `pid`.
 */
export async function takeEmbeddedLock(file: string, dataFolder: string): Promise<EmbeddedLock> {
  // Kept as a plain number: a FileHandle would be closed, and the lock lost, when collected as garbage.
  const descriptor = await openFile(file, 'a+', 0o600);
  try {
    const locked = await flock(descriptor);
    const previous = await readHolder(descriptor);
    const held = locked === 'unsupported' ? previous !== null && isAlive(previous.pid) : locked === 'held';
    if (held) throw inUse(dataFolder, previous ?? (await readHolder(descriptor, 10)));
    return {
      previous,
      async write(holder) {
        await truncateFile(descriptor, 0);
        await writeFile(descriptor, JSON.stringify(holder));
      },
      async release() {
        await truncateFile(descriptor, 0);
        await closeFile(descriptor);
      },
    };
  } catch (error) {
    await closeFile(descriptor);
    throw error;
  }
}

function flock(descriptor: number): Promise<'taken' | 'held' | 'unsupported'> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
    child.once('error', (error) => {
      if ('code' in error && error.code === 'ENOENT') resolve('unsupported');
      else reject(error);
    });
    child.once('exit', (code) => {
      if (code === 0) resolve('taken');
      else resolve(code === 1 ? 'held' : 'unsupported');
    });
  });
}

/** @param attempts how often to look again, 10 ms apart: a holder that has just taken the lock may not have written yet. */
async function readHolder(descriptor: number, attempts = 0): Promise<LockHolder | null> {
  const { bytesRead, buffer } = await readFile(
    descriptor,
    Buffer.alloc(HOLDER_BYTES_MAX),
    0,
    HOLDER_BYTES_MAX,
    0,
  );
  try {
    return holderSchema.parse(JSON.parse(buffer.toString('utf8', 0, bytesRead)));
  } catch (error) {
    // Empty after an orderly end; torn when a holder lost power while it wrote. Neither names anybody.
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
  }
  if (attempts === 0) return null;
  await new Promise((resolve) => setTimeout(resolve, 10));
  return readHolder(descriptor, attempts - 1);
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function inUse(dataFolder: string, holder: LockHolder | null): LongshoreError {
  const who = holder === null ? 'another process' : `another longshore, process ${holder.pid}`;
  return new LongshoreError(
    'DATABASE_UNAVAILABLE',
    `The data folder ${dataFolder} is in use by ${who}. Stop that one first, or give both the same DATABASE_URL to share the folder.`,
    { metadata: holder === null ? {} : { pid: String(holder.pid) } },
  );
}
