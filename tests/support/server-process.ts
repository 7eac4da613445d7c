import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_TIMEOUT_MS = 20_000;
const LINES_MAX = 500;

export interface ServerProcessOptions {
  readonly dataFolder: string;
  /** Empty: the server brings its own Postgres. */
  readonly databaseUrl: string;
  /** As an operator would give them in the environment; `LD_PRELOAD` and the like pass too. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What runs it, for example `['strace', '-f', ...]`. */
  readonly under?: readonly string[];
}

/** A server in a process of its own, as users run it. */
export interface ServerProcess extends AsyncDisposable {
  /** Of the gRPC port, `127.0.0.1:port`. */
  readonly address: string;
  readonly httpAddress: string;
  readonly pid: number;
  /** What it ended with, once it has. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Its log so far, one parsed line each; the latest only. */
  readonly log: readonly LogLine[];
  signal(name: NodeJS.Signals): void;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and waits until it has drained and ended. */
  stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface LogLine {
  readonly level?: number | string;
  readonly msg?: string;
  readonly [key: string]: unknown;
}

/** Starts a server and waits until it serves. Rejects with its last words when it does not. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const [program, ...rest] = [...(options.under ?? []), process.execPath];
  const child = spawn(program ?? '', [...rest, '--import', 'tsx', 'src/main.ts', 'serve'], {
    cwd: ROOT,
    env: {
      ...cleanEnvironment(),
      ...(options.databaseUrl === '' ? {} : { DATABASE_URL: options.databaseUrl }),
      LONGSHORE_DATA_DIR: options.dataFolder,
      LONGSHORE_GRPC_ADDRESS: '127.0.0.1:0',
      LONGSHORE_HTTP_ADDRESS: '127.0.0.1:0',
      ...options.settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const log: LogLine[] = [];
  const words: string[] = [];
  const serving = await firstServing(child, ended, log, words);
  const pid = options.under === undefined ? Number(child.pid) : onlyChildOf(Number(child.pid));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const kill = async (): Promise<void> => {
    if (!hasEnded()) tryKill(pid, 'SIGKILL');
    await ended;
  };
  return {
    address: String(serving['grpc']),
    httpAddress: String(serving['http']),
    pid,
    ended,
    log,
    signal: (name) => tryKill(pid, name),
    kill,
    async stop() {
      if (!hasEnded()) tryKill(pid, 'SIGTERM');
      return ended;
    },
    [Symbol.asyncDispose]: kill,
  };
}

/** What a program that runs another one (strace) runs. */
function onlyChildOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

function firstServing(
  child: ChildProcess,
  ended: Promise<unknown>,
  log: LogLine[],
  words: string[],
): Promise<LogLine> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`the server ${why}; it said:\n${words.join('\n')}`));
    };
    const timer = setTimeout(() => fail(`did not serve within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);
    const onLine = (text: string): void => {
      words.push(text);
      if (words.length > LINES_MAX) words.shift();
      const line = parseLine(text);
      if (line === null) return;
      log.push(line);
      if (log.length > LINES_MAX) log.shift();
      if (line.msg !== 'longshore serves') return;
      clearTimeout(timer);
      resolve(line);
    };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', onLine);
    }
    void ended.then(() => fail('ended before it served'));
  });
}

function parseLine(text: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as LogLine) : null;
  } catch {
    return null;
  }
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ESRCH') throw error;
  }
}

/** Settings of whoever runs the tests are not the server's. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('LONGSHORE_') && !['DATABASE_URL', 'NODE_OPTIONS', 'VITEST'].includes(name),
  );
  return Object.fromEntries(kept);
}
