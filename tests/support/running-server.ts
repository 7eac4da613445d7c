import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { ContractClient } from './contract-client.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';
import { newTenant } from './server.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A server in a process of its own for one test file. */
export interface RunningServer {
  readonly dataFolder: string;
  readonly database: TestDatabase;
  readonly process: ServerProcess;
  /** A caller of a tenant of its own, closed after the test. */
  client(tenant?: string, apiKey?: string): ContractClient;
  /** Starts it again after it ended, with other settings if any are given. */
  start(settings?: Readonly<Record<string, string>>): Promise<void>;
}

export function runningServer(settings: Readonly<Record<string, string>> = {}): RunningServer {
  const dataFolder = join(temporaryFolder(), 'data');
  const clients: ContractClient[] = [];
  let database: TestDatabase | undefined;
  let server: ServerProcess | undefined;
  const start = async (changed: Readonly<Record<string, string>> = {}): Promise<void> => {
    server = await startServerProcess({
      dataFolder,
      databaseUrl: database?.url ?? '',
      settings: { ...settings, ...changed },
    });
  };
  beforeAll(async () => {
    await mkdir(dataFolder);
    database = await createTestDatabase();
    await start();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await server?.kill();
    await database?.close();
  });
  return {
    dataFolder,
    get database() {
      if (!database) throw new Error('the database is made before the first test');
      return database;
    },
    get process() {
      if (!server) throw new Error('the server is started before the first test');
      return server;
    },
    client(tenant = newTenant(), apiKey) {
      const client = new ContractClient(this.process.address, tenant, apiKey === undefined ? {} : { apiKey });
      clients.push(client);
      return client;
    },
    start,
  };
}
