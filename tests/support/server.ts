import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { createTestDatabase } from './postgres.ts';

/** A whole Longshore in this process, on a database and a data folder of its own. */
export interface TestServer {
  /** Of gRPC, `127.0.0.1:port`; the same after a restart. */
  readonly address: string;
  readonly port: number;
  readonly httpAddress: string;
  readonly dataFolder: string;
  readonly databaseUrl: string;
  /** Drains and stops it; its data stays. */
  stop(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** Stops it and removes everything. */
  close(): Promise<void>;
}

/**
 * Starts a server on the run's Postgres. `settings` are as an operator would give them in the environment. One for a
 * test file: `const server = await startTestServer(); afterAll(() => server.close());`
 */
export async function startTestServer(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const database = await createTestDatabase();
  const dataFolder = await mkdtemp(join(tmpdir(), 'longshore-server-'));
  const run = (grpcAddress: string): ReturnType<typeof startApp> =>
    startApp(
      loadConfig({
        DATABASE_URL: database.url,
        LONGSHORE_DATA_DIR: dataFolder,
        LONGSHORE_GRPC_ADDRESS: grpcAddress,
        LONGSHORE_HTTP_ADDRESS: '127.0.0.1:0',
        ...settings,
      }),
      createLogger('silent'),
    );
  let app = await run('127.0.0.1:0');
  let running = true;
  const address = app.grpcAddress;
  const httpAddress = app.httpAddress;
  const stop = async (): Promise<void> => {
    if (running) await app.stop();
    running = false;
  };
  return {
    address,
    port: Number(address.slice(address.lastIndexOf(':') + 1)),
    httpAddress,
    dataFolder,
    databaseUrl: database.url,
    stop,
    async start() {
      app = await run(address);
      running = true;
    },
    async close() {
      await stop();
      await rm(dataFolder, { recursive: true, force: true });
      await database.close();
    },
  };
}

/** A tenant that no other test has, on a shared server. */
export function newTenant(): string {
  return `t${randomUUID().replaceAll('-', '').slice(0, 20)}`;
}
