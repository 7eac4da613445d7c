import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const peersFolder = fileURLToPath(new URL('peers/', import.meta.url));

const loadClient = `${peersFolder}build/cpp/load_client`;
const run = promisify(execFile);

/** Builds the load client and the peer servers, or what changed of them. */
export async function buildPeers(): Promise<void> {
  await run(`${peersFolder}build.sh`);
}

/** The JSON line of a load; the fields that rows use. */
export interface LoadResult {
  readonly seconds: number;
  readonly bytes: number;
  readonly mib_per_s: number;
  readonly client_cpu_s: number;
  readonly failed: number;
  readonly error: string;
  /** `write`: the file that it became. */
  readonly file: string;
  /** `read`: memory, disk, remote; empty for the peers. */
  readonly served_from: string;
  /** `small-reads`. */
  readonly ok: number;
  readonly per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** `stall`: how many readers stand still. */
  readonly stalled: number;
}

export interface LoadFlags {
  readonly target: string;
  readonly file?: string;
  readonly bytes?: number;
  readonly chunk?: number;
  readonly streams?: number;
  readonly connections?: number;
  readonly limit?: number;
  readonly count?: number;
  readonly concurrency?: number;
  readonly 'hold-seconds'?: number;
  readonly 'timeout-seconds'?: number;
}

export type Load = 'write' | 'read' | 'small-reads' | 'ping';

function argumentsOf(flags: LoadFlags): string[] {
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/**
 * Runs one load to its end. Rejects with what the server answered unless all of it went well; `mayFail` gives the
 * result all the same. `signal` ends the load.
 */
export async function load(
  name: Load,
  flags: LoadFlags,
  { mayFail = false, signal }: { mayFail?: boolean; signal?: AbortSignal } = {},
): Promise<LoadResult> {
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(
      loadClient,
      [name, ...argumentsOf(flags)],
      signal === undefined ? {} : { signal },
      (error, out, err) => {
        // A load that failed still prints its line; without one there is only what it said on stderr.
        if (out !== '') resolve(out);
        else reject(new Error(`load_client ${name} gave no result. ${err}`, { cause: error }));
      },
    );
  });
  const result = JSON.parse(stdout) as LoadResult;
  if (result.error !== '' && !mayFail) throw new Error(`load_client ${name}: ${result.error}`);
  return result;
}

export interface StalledReaders {
  readonly result: LoadResult;
  release(): Promise<void>;
}

/** Opens readers that take one message and then nothing; resolves when all stand still. They hold at most ten minutes. */
export async function stallReaders(flags: LoadFlags): Promise<StalledReaders> {
  const child = spawn(loadClient, ['stall', ...argumentsOf({ 'hold-seconds': 600, ...flags })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await firstLine(child);
  if (line === undefined) throw new Error('load_client stall printed nothing');
  const result = JSON.parse(line) as LoadResult;
  const release = async (): Promise<void> => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) {
      await new Promise((resolve) => child.once('exit', resolve));
    }
  };
  if (result.failed > 0) {
    await release();
    throw new Error(`load_client stall: ${result.failed} failed: ${result.error}`);
  }
  return { result, release };
}

async function firstLine(child: ChildProcess): Promise<string | undefined> {
  if (child.stdout === null) throw new Error('a load client without a stdout');
  for await (const line of createInterface({ input: child.stdout })) return line;
  return undefined;
}
