import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeApiKey } from '../../src/access/api-key.ts';
import type { Role } from '../../src/access/caller.ts';
import { PostgresKeyStore } from '../../src/access/postgres-key-store.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
/** The cases are in the Python file; each is counted here. */
const names = [...readFileSync(here('errors_test.py'), 'utf8').matchAll(/^@case\("(.+)"\)$/gm)].map(
  ([, name]) => name ?? '',
);

const SERVERS: Record<string, Record<string, string>> = {
  plain: { LONGSHORE_FILE_BYTES_MAX: '64TiB' },
  keyed: { LONGSHORE_AUTH: 'keys' },
  impatient: { LONGSHORE_UPLOAD_IDLE_TIMEOUT: '300ms' },
  small: { LONGSHORE_TENANT_BYTES_MAX: '1000B' },
  slow: { LONGSHORE_REQUESTS_PER_SECOND_MAX: '3' },
  stopping: { LONGSHORE_DRAIN_TIMEOUT: '500ms' },
};

const folder = temporaryFolder();
const databases: TestDatabase[] = [];
const servers: ServerProcess[] = [];
const failures = new Map<string, string | null>();

async function start(name: string, settings: Record<string, string>): Promise<object> {
  const dataFolder = join(folder, name);
  mkdirSync(dataFolder);
  const database = await createTestDatabase();
  databases.push(database);
  const keys = name === 'keyed' ? await makeKeys(database) : {};
  const server = await startServerProcess({ dataFolder, databaseUrl: database.url, settings });
  servers.push(server);
  const facts = { address: server.address, dataFolder, pid: server.pid };
  return { [name]: facts, ...(name === 'keyed' ? { keys } : {}) };
}

async function makeKeys(database: TestDatabase): Promise<Record<string, { tenant: string; key: string }>> {
  const store = new PostgresKeyStore(database.postgres);
  const made: Record<string, { tenant: string; key: string }> = {};
  const wanted: [string, string, Role][] = [
    ['owner', 'acme', 'writer'],
    ['reader', 'acme', 'reader'],
    ['other', 'zenith', 'writer'],
    ['revoked', 'acme', 'writer'],
  ];
  for (const [who, tenantId, role] of wanted) {
    const { text, keyId, secretSha256 } = makeApiKey(randomBytes);
    await store.create({ keyId, secretSha256, tenantId, role, description: who, expireTime: null });
    if (who === 'revoked') await store.revoke(keyId);
    made[who] = { tenant: tenantId, key: text };
  }
  return made;
}

beforeAll(async () => {
  const { stdout } = await promisify(execFile)('sh', [here('python-environment.sh')]);
  const facts = await Promise.all(Object.entries(SERVERS).map(([name, settings]) => start(name, settings)));
  const python = spawn(stdout.trim(), [here('errors_test.py')], { stdio: ['pipe', 'pipe', 'pipe'] });
  const said: string[] = [];
  createInterface({ input: python.stderr }).on('line', (line) => said.push(line));
  python.stdin.end(JSON.stringify(Object.assign({}, ...facts)));
  for await (const line of createInterface({ input: python.stdout })) {
    const { name, failure = null } = JSON.parse(line) as { name: string; failure?: string };
    failures.set(name, failure);
  }
  if (failures.size === 0) throw new Error(`Python ran no case: ${said.join('\n')}`);
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.kill()));
  await Promise.all(databases.map((database) => database.close()));
});

describe('a client in Python sees', () => {
  it.each(names)('%s', (name) => {
    expect(failures.has(name), 'the case did not run').toBe(true);
    expect(failures.get(name)).toBeNull();
  });
});
