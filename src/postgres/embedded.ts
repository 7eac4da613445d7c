import { chown, mkdir, mkdtemp, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { systemClock, type Clock } from '../clock.ts';
import { findPostgresBinaries, type PostgresBinaries } from './binaries.ts';
import { createLauncher, runAsFor, type Launcher } from './embedded-launch.ts';
import { stopLeftover } from './embedded-leftover.ts';
import { takeEmbeddedLock } from './embedded-lock.ts';
import { EmbeddedServer, exitOf, followLog, keepLast, postgresFailed } from './embedded-server.ts';

/** `sun_path` of unix(7) holds 108 bytes with the NUL. */
const SOCKET_PATH_BYTES_MAX = 107;
const SOCKET_NAME = '.s.PGSQL.5432';

/** Run once on a new cluster by its superuser; the server then uses a role that is none. One statement a line. */
const FIRST_STATEMENTS = 'CREATE ROLE longshore LOGIN;\nCREATE DATABASE longshore OWNER longshore;\n';

export interface EmbeddedPostgresOptions {
  /** The server's data folder; made when missing. `postgres/`, `postgres.lock` and `run/` in it are ours. */
  readonly dataFolder: string;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Gets each line that Postgres logs and each that we have to say about it. */
  readonly onLog?: (line: string) => void;
  /** How long Postgres may take to answer, recovery after a crash included. */
  readonly startTimeoutMs?: number;
  /** How long each step of a stop may take: fast shutdown, immediate shutdown, kill. */
  readonly stopTimeoutMs?: number;
}

export interface EmbeddedPostgres {
  /** Connection string of our own database, as a role that is no superuser. */
  readonly url: string;
  /** Connection string of the maintenance database, as superuser. */
  readonly adminUrl: string;
  /** Of the postmaster; another one when it had to be started again. */
  readonly pid: number;
  /** Fast shutdown: open transactions are rolled back. Resolves when the server is gone; a second call waits for the first. */
  stop(): Promise<void>;
}

/**
 * Starts a real Postgres on a Unix socket, with its data below `dataFolder`, as an unprivileged user where we are root.
 * It ends with `stop()` and, on Linux, with our process however that dies. When it dies by itself it is started again.
 *
 * @throws LongshoreError DATABASE_UNAVAILABLE when another longshore holds the folder (metadata `pid`), when there is no
 *   Postgres for this platform, or when it does not come up; the message says which, and what to do.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { signal, clock = systemClock } = options;
  await mkdir(options.dataFolder, { recursive: true, mode: 0o711 });
  const dataFolder = await realpath(options.dataFolder);
  const cluster = path.join(dataFolder, 'postgres');
  const lock = await takeEmbeddedLock(path.join(dataFolder, 'postgres.lock'), dataFolder);
  let socketFolder: string | null = null;
  const release = async (): Promise<void> => {
    if (socketFolder !== null) await rm(socketFolder, { recursive: true, force: true });
    await lock.release();
  };
  try {
    const binaries = await findPostgresBinaries(path.join(dataFolder, 'postgres-libraries'));
    const launcher = await createLauncher(binaries, await runAsFor(cluster), cluster);
    await stopLeftover(cluster, clock, signal);
    if (lock.previous !== null) await rm(lock.previous.socketFolder, { recursive: true, force: true });
    socketFolder = await makeSocketFolder(dataFolder, launcher);
    await lock.write({ pid: process.pid, socketFolder });
    if (!(await exists(cluster))) await initialize(cluster, binaries, launcher, signal);
    const server = new EmbeddedServer({
      cluster,
      socketFolder,
      binaries,
      launcher,
      clock,
      onLog: options.onLog ?? (() => undefined),
      startTimeoutMs: options.startTimeoutMs ?? 120_000,
      stopTimeoutMs: options.stopTimeoutMs ?? 15_000,
    });
    await server.start(signal);
    return embeddedPostgres(server, socketFolder, release);
  } catch (error) {
    await release();
    throw error;
  }
}

function embeddedPostgres(
  server: EmbeddedServer,
  socketFolder: string,
  release: () => Promise<void>,
): EmbeddedPostgres {
  // All of it is said here, so that PGPORT or PGSSLMODE in the environment change nothing.
  const at = `localhost:5432`;
  const query = `host=${encodeURIComponent(socketFolder)}&sslmode=disable`;
  let stopped: Promise<void> | undefined;
  return {
    url: `postgresql://longshore@${at}/longshore?${query}`,
    adminUrl: `postgresql://postgres@${at}/postgres?${query}`,
    get pid() {
      return server.pid;
    },
    stop() {
      stopped ??= server.stop().then(release);
      return stopped;
    },
  };
}

/** The socket stands beside the data where its path fits, else in a private folder of the system's temporary one. */
async function makeSocketFolder(dataFolder: string, launcher: Launcher): Promise<string> {
  let folder = path.join(dataFolder, 'run');
  if (Buffer.byteLength(path.join(folder, SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { mode: 0o700 });
  } else {
    folder = await mkdtemp(path.join(tmpdir(), 'longshore-'));
  }
  // A server that gets past permissions needs none here, and then no other process of its user can reach its socket.
  if (launcher.runAs !== null && !launcher.overridesPermissions) {
    await chown(folder, launcher.runAs.uid, launcher.runAs.gid);
  }
  return folder;
}

/** Makes a cluster under another name first, so that one which was not finished is never taken for one that was. */
async function initialize(
  cluster: string,
  binaries: PostgresBinaries,
  launcher: Launcher,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fresh = `${cluster}.new`;
  // Whoever was killed while it wrote there may take a moment to end.
  await rm(fresh, { recursive: true, force: true, maxRetries: 10 });
  await mkdir(fresh, { mode: 0o700 });
  if (launcher.runAs !== null) await chown(fresh, launcher.runAs.uid, launcher.runAs.gid);
  const initdb = [
    '-D',
    fresh,
    '-U',
    'postgres',
    '-A',
    'trust',
    '--no-locale',
    '-E',
    'UTF8',
    '--no-instructions',
  ];
  await runToEnd(launcher.spawn(binaries.initdb, initdb, { tied: true, cwd: fresh }), 'initdb', signal);
  const single = ['--single', '-D', fresh, '-c', 'exit_on_error=on', 'postgres'];
  const options = { tied: true, cwd: fresh, input: FIRST_STATEMENTS };
  await runToEnd(launcher.spawn(binaries.postgres, single, options), 'postgres --single', signal);
  await rename(fresh, cluster);
  const parent = await open(path.dirname(cluster), 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}

async function runToEnd(child: ChildProcess, name: string, signal: AbortSignal | undefined): Promise<void> {
  const lines: string[] = [];
  followLog(child, (line) => keepLast(lines, line));
  const onAbort = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const how = await exitOf(child);
    signal?.throwIfAborted();
    if (how !== 'exit code 0')
      throw postgresFailed(`The embedded Postgres could not be set up (${name}: ${how})`, lines);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

async function exists(folder: string): Promise<boolean> {
  try {
    await stat(folder);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
