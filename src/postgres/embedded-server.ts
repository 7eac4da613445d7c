import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import type { PostgresBinaries } from './binaries.ts';
import type { Launcher } from './embedded-launch.ts';
import { stopLeftover } from './embedded-leftover.ts';

const LOG_LINES_KEPT_MAX = 20;
const RESTART_DELAY_MS_MIN = 100;
const RESTART_DELAY_MS_MAX = 5_000;
const READY = 'database system is ready to accept connections';

/** What differs from Postgres's defaults. Durability stays at them: fsync, synchronous_commit and full_page_writes on. */
const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  port: '5432',
  max_connections: '100',
  // Errors of statements are ours to report; Postgres reports what it does and what befalls it.
  log_min_messages: 'log',
  log_checkpoints: 'off',
  log_line_prefix: '',
  log_timezone: 'UTC',
  timezone: 'UTC',
  jit: 'off',
} as const;

export interface EmbeddedServerOptions {
  /** The data folder of Postgres: an absolute path without symbolic links. */
  readonly cluster: string;
  readonly socketFolder: string;
  readonly binaries: PostgresBinaries;
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly onLog: (line: string) => void;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

/** One Postgres process on one cluster, started again when it dies by itself, until it is stopped. */
export class EmbeddedServer {
  readonly #options: EmbeddedServerOptions;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #exited: Promise<string> = Promise.resolve('never started');
  #supervision: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: EmbeddedServerOptions) {
    this.#options = options;
  }

  /** Of the postmaster, as last started. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when Postgres takes connections. On any failure nothing is left running. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#launch(signal);
    this.#supervision = this.#supervise();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#end();
    await this.#supervision;
  }

  async #launch(signal: AbortSignal | undefined): Promise<void> {
    const { cluster, socketFolder, binaries, launcher, onLog, startTimeoutMs } = this.#options;
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    signal?.throwIfAborted();
    const args = ['-D', cluster, '-k', socketFolder, ...settings];
    const child = launcher.spawn(binaries.postgres, args, { tied: true, cwd: cluster });
    this.#child = child;
    this.#exited = exitOf(child);
    const lines: string[] = [];
    const ready = new Promise<'ready'>((resolve) => {
      followLog(child, (line) => {
        keepLast(lines, line);
        onLog(line);
        if (line.endsWith(READY)) resolve('ready');
      });
    });
    const aborted = new Promise<'aborted'>((resolve) => {
      signal?.addEventListener('abort', () => resolve('aborted'), { once: true });
    });
    const outcome = await this.#within(startTimeoutMs, Promise.race([ready, aborted, this.#exited]));
    if (outcome === 'ready') return;
    await this.#end();
    signal?.throwIfAborted();
    const what =
      outcome === 'late' ? `did not start within ${startTimeoutMs} ms` : `did not start (${outcome})`;
    throw postgresFailed(`The embedded Postgres on ${cluster} ${what}`, lines);
  }

  async #supervise(): Promise<void> {
    const { cluster, clock, onLog } = this.#options;
    const signal = this.#stopping.signal;
    let delayMs = RESTART_DELAY_MS_MIN;
    while (!signal.aborted) {
      const sinceMs = clock.nowMs();
      const how = await this.#exited;
      if (signal.aborted) return;
      // A server that dies young again and again is given more and more time.
      if (clock.nowMs() - sinceMs > RESTART_DELAY_MS_MAX) delayMs = RESTART_DELAY_MS_MIN;
      onLog(`The embedded Postgres ended (${how}); it is started again in ${delayMs} ms.`);
      try {
        await clock.sleep(delayMs, signal);
        await stopLeftover(cluster, clock, signal);
        await this.#launch(signal);
      } catch (error) {
        if (signal.aborted) return;
        onLog(LongshoreError.from(error).message);
      }
      delayMs = Math.min(delayMs * 2, RESTART_DELAY_MS_MAX);
    }
  }

  /** Fast shutdown, then immediate shutdown (the next start recovers), then the end. */
  async #end(): Promise<void> {
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
      this.#child?.kill(signal);
      if ((await this.#within(this.#options.stopTimeoutMs, this.#exited)) !== 'late') return;
    }
  }

  async #within<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
    const timer = new AbortController();
    const late = this.#options.clock.sleep(ms, timer.signal).then(() => 'late' as const);
    try {
      return await Promise.race([promise, late]);
    } finally {
      timer.abort();
    }
  }
}

/** How a program ended, in words; it never rejects. */
export function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

/** Gives each line of both outputs to `onLine`. */
export function followLog(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', onLine);
  }
}

/** Keeps enough lines to explain a failure. */
export function keepLast(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > LOG_LINES_KEPT_MAX) lines.shift();
}

export function postgresFailed(what: string, lines: readonly string[]): LongshoreError {
  const said = lines.length === 0 ? '' : `. It said:\n${lines.join('\n')}`;
  return new LongshoreError('DATABASE_UNAVAILABLE', `${what}${said}`);
}
