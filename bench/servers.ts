import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDataFolder, removeDataFolder } from './data-folder.ts';
import { load, peersFolder } from './load.ts';
import { cpuSecondsBetween, cpuSecondsByPid, peakRssBytes, pssBytes, serverProcesses } from './processes.ts';
import type { ServerKind } from './row.ts';

const mainFile = fileURLToPath(new URL('../dist/main.js', import.meta.url));

// An embedded Postgres is given this long to write its data out.
const stopTimeoutMs = 30_000;

export interface RunningServer {
  /** host:port of its gRPC service. */
  readonly target: string;
  readonly port: number;
  /** From the spawn to the first answer over gRPC. */
  readonly startSeconds: number;
  /** CPU seconds that all its processes use while `work` runs. */
  cpuSecondsDuring<T>(work: () => Promise<T>): Promise<{ result: T; cpuSeconds: number }>;
  /** Of the server's own process since its start. */
  peakRssBytes(): number;
  /** Of all its processes now, its database with it. */
  pssBytes(): number;
  /** SIGTERM, then waits for the end. Rejects if it had to be killed. */
  stop(): Promise<void>;
}

const alive = new Set<ChildProcess>();

/** Asks every server that still runs to end, for the end of a bench that was interrupted. Does not wait. */
export function endAllServers(): void {
  for (const child of alive) child.kill('SIGTERM');
}

/** Starts a server and waits until it answers. Rejects with the end of its log if it does not. */
export async function startServer(kind: ServerKind, dataFolder: string): Promise<RunningServer> {
  const port = await freePort();
  const target = `127.0.0.1:${port}`;
  const logFolder = createDataFolder('disk');
  const logFile = join(logFolder, 'server.log');
  const log = openSync(logFile, 'w');
  const startedAt = performance.now();
  const child = await spawnServer(kind, target, dataFolder, log);
  closeSync(log);
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      alive.delete(child);
      resolve();
    }),
  );
  alive.add(child);
  child.once('error', () => alive.delete(child));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${kind} could not be started`);
  const forgetLog = (): void => {
    removeDataFolder(logFolder);
  };

  const givenUp = new AbortController();
  const answer = load('ping', { target, 'timeout-seconds': 60 }, { signal: givenUp.signal });
  const died = ended.then(() => {
    throw new Error(`${kind} ended:\n${tail(logFile)}`);
  });
  try {
    await Promise.race([answer, died]);
  } catch (error) {
    answer.catch(() => undefined);
    givenUp.abort();
    child.kill('SIGKILL');
    forgetLog();
    throw error;
  }
  died.catch(() => undefined);
  const startSeconds = (performance.now() - startedAt) / 1000;
  const processes = (): number[] => serverProcesses(pid, dataFolder);

  return {
    target,
    port,
    startSeconds,
    cpuSecondsDuring: async (work) => {
      const before = cpuSecondsByPid(processes());
      const result = await work();
      return { result, cpuSeconds: cpuSecondsBetween(before, cpuSecondsByPid(processes())) };
    },
    peakRssBytes: () => peakRssBytes(pid),
    pssBytes: () => pssBytes(processes()),
    stop: async () => {
      child.kill('SIGTERM');
      let killed = false;
      const killer = setTimeout(() => {
        killed = true;
        child.kill('SIGKILL');
      }, stopTimeoutMs);
      await ended;
      clearTimeout(killer);
      const words = tail(logFile);
      forgetLog();
      if (killed) throw new Error(`${kind} did not stop within ${stopTimeoutMs} ms:\n${words}`);
    },
  };
}

async function spawnServer(
  kind: ServerKind,
  target: string,
  dataFolder: string,
  log: number,
): Promise<ChildProcess> {
  const stdio = ['ignore', log, log] as const;
  if (kind === 'cpp') {
    return spawn(`${peersFolder}build/cpp/server`, ['--listen', target, '--root', dataFolder], {
      stdio: [...stdio],
    });
  }
  if (kind === 'go') {
    return spawn(`${peersFolder}build/go-server`, ['--listen', target, '--root', dataFolder], {
      stdio: [...stdio],
    });
  }
  if (!existsSync(mainFile)) throw new Error('dist/main.js is missing: npm run build makes it');
  return spawn(process.execPath, [mainFile, 'serve'], {
    stdio: [...stdio],
    env: {
      ...process.env,
      LONGSHORE_GRPC_ADDRESS: target,
      LONGSHORE_HTTP_ADDRESS: `127.0.0.1:${await freePort()}`,
      LONGSHORE_DATA_DIR: dataFolder,
    },
  });
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').split('\n').slice(-20).join('\n');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
