import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeApiKey } from '../../src/access/api-key.ts';
import { PostgresKeyStore } from '../../src/access/postgres-key-store.ts';
import { connect, type ConnectOptions, type LongshoreClient } from '../../src/client/client.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';
import { newTenant, startTestServer, type TestServer } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const tenant = newTenant();
const folder = temporaryFolder();
const key = makeApiKey(randomBytes);
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ LONGSHORE_AUTH: 'keys' });
  const postgres = createPostgres({ url: server.databaseUrl });
  const { keyId, secretSha256 } = key;
  const rights = { tenantId: tenant, role: 'writer' as const, description: 'a test', expireTime: null };
  await new PostgresKeyStore(postgres).create({ keyId, secretSha256, ...rights });
  await postgres.close();
});

afterAll(async () => {
  await server?.close();
});

async function withClient<T>(
  options: Partial<ConnectOptions>,
  use: (client: LongshoreClient) => Promise<T>,
): Promise<T> {
  const client = connect({ address: server.address, tenant, notesFolder: null, ...options });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

async function putAndGet(client: LongshoreClient): Promise<string> {
  const { name } = await client.put(Buffer.from('a secret'), { name: 'secret.txt' });
  const to = new PassThrough();
  const received = text(to);
  await client.get(name, to);
  to.end();
  return received;
}

describe('an API key', () => {
  it('goes with every call and stream', async () => {
    expect(await withClient({ apiKey: key.text }, putAndGet)).toBe('a secret');
  });

  it('that is missing or wrong is told at once', async () => {
    const refused = { code: 'UNAUTHENTICATED', reason: 'CREDENTIALS_INVALID' };
    await expect(withClient({}, putAndGet)).rejects.toMatchObject(refused);
    await expect(withClient({ apiKey: 'lsk_0' }, putAndGet)).rejects.toMatchObject(refused);
  });

  it("opens nothing of another tenant's, nor says whether it is there", async () => {
    await expect(withClient({ apiKey: key.text, tenant: newTenant() }, putAndGet)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      reason: 'FILE_NOT_FOUND',
    });
  });
});

describe('TLS', () => {
  let certificate: Buffer;
  let front: Server | undefined;
  let address: string;

  /** Ends TLS in front of the server, as a proxy of a company would. */
  beforeAll(async () => {
    try {
      const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
      execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject], {
        stdio: 'ignore',
      });
    } catch {
      return;
    }
    certificate = readFileSync(join(folder, 'cert.pem'));
    const secret = readFileSync(join(folder, 'key.pem'));
    front = createServer({ cert: certificate, key: secret, ALPNProtocols: ['h2'] }, (client) => {
      const behind = connectTcp(server.port, '127.0.0.1');
      client.pipe(behind).pipe(client);
      client.on('error', () => behind.destroy());
      behind.on('error', () => client.destroy());
    });
    await new Promise<void>((resolve) => front?.listen(0, '127.0.0.1', resolve));
    address = `localhost:${(front.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    front?.close();
  });

  it('carries everything to a server whose certificate is trusted', async ({ skip }) => {
    if (front === undefined) skip('openssl, which makes the certificate, is not installed');
    const tls = { ca: certificate };
    expect(await withClient({ address, tls, apiKey: key.text }, putAndGet)).toBe('a secret');
  });

  it('carries nothing to one whose certificate is not', async ({ skip }) => {
    if (front === undefined) skip('openssl, which makes the certificate, is not installed');
    const untrusting: Partial<ConnectOptions> = { address, tls: true, retry: { triesMax: 1 } };
    await expect(withClient(untrusting, putAndGet)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('self-signed certificate'),
    });
  });
});
