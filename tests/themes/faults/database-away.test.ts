import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContractClient, expectContent } from '../../support/contract-client.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { newTenant } from '../../support/server.ts';
import { startServerProcess, type ServerProcess } from '../../support/server-process.ts';
import { startTcpSwitch, type TcpSwitch } from '../../support/tcp-switch.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

const MIB = 2 ** 20;
/** Longer than every time-out and poll that an outage of a minute meets: statements, connections, jobs, notifications. */
const AWAY_MS = 9000;
const unavailable = { code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE', retryAfterMs: expect.any(Number) };

describe('a server whose database goes away and comes back', () => {
  const dataFolder = join(temporaryFolder(), 'data');
  let database: TestDatabase;
  let way: TcpSwitch;
  let server: ServerProcess;
  let neighbour: ServerProcess;
  let client: ContractClient;
  let elsewhere: ContractClient;

  beforeAll(async () => {
    mkdirSync(dataFolder);
    database = await createTestDatabase();
    way = await startTcpSwitch(database.url);
    const settings = { LONGSHORE_DATABASE_STATEMENT_TIMEOUT: '1s', LONGSHORE_SWEEP_INTERVAL: '300ms' };
    server = await startServerProcess({ dataFolder, databaseUrl: way.url, settings });
    neighbour = await startServerProcess({ dataFolder, databaseUrl: database.url, settings });
    const tenant = newTenant();
    client = new ContractClient(server.address, tenant, { timeoutMs: 20_000 });
    elsewhere = new ContractClient(neighbour.address, tenant);
  });

  afterAll(async () => {
    client?.close();
    elsewhere?.close();
    await server?.kill();
    await neighbour?.kill();
    await way?.[Symbol.asyncDispose]();
    await database?.close();
  });

  async function health(): Promise<{ status: number; database: string }> {
    const answer = await fetch(`http://${server.httpAddress}/health`);
    const body = (await answer.json()) as { checks: { database: { status: string } } };
    return { status: answer.status, database: body.checks.database.status };
  }

  for (const [manner, cut] of [
    ['refuses', (it: TcpSwitch) => it.off()],
    ['is silent', (it: TcpSwitch) => it.freeze()],
  ] as const) {
    it(
      `goes on receiving, says so to new calls, and loses nothing, when it ${manner}`,
      { timeout: 60_000 },
      async () => {
        const bytes = randomBytes(6 * MIB + 99);
        const kept = await client.put(bytes.subarray(0, 1000));
        const upload = await client.createUpload({ totalSize: bytes.length });
        const writer = client.write().start(upload.name);
        await writer.chunk(0, bytes.subarray(0, MIB));
        await writer.flush(MIB);

        cut(way);
        const awaySince = performance.now();
        const calls = [
          client.call('GetFile', { name: kept.name }),
          client.call('ListFiles', { parent: client.parent }),
          client.createUpload({}),
          client.read({ file: kept.name }),
          client.call('DeleteFile', { name: kept.name, requestId: 'away' }),
        ].map((call) => expect(call).rejects.toMatchObject(unavailable));
        for (let at = MIB; at < 5 * MIB; at += MIB) await writer.chunk(at, bytes.subarray(at, at + MIB));
        expect((await writer.flush(5 * MIB)).persistedSize).toBe(5 * MIB);
        await Promise.all(calls);
        expect(await health()).toEqual({ status: 503, database: 'failed' });
        await writer.chunk(5 * MIB, bytes.subarray(5 * MIB));
        await writer.flush(bytes.length);
        await writer.send({ finish: true });
        await expect(writer.ended).rejects.toMatchObject(unavailable);
        await new Promise((resolve) => setTimeout(resolve, AWAY_MS - (performance.now() - awaySince)));

        way.on();
        await until(async () => (await health()).status === 200, 15_000);
        const found = await client.call('GetUpload', { name: upload.name });
        expect(found).toMatchObject({ state: 'OPEN', persistedSize: bytes.length });
        const file = await client.finalize(upload.name);
        await expectContent(client, file.name, bytes);
        await expectContent(client, kept.name, bytes.subarray(0, 1000));
      },
    );

    it(
      `hears of newer writers in other processes again, after it ${manner}`,
      { timeout: 30_000 },
      async () => {
        const bytes = randomBytes(2 * MIB);
        const upload = await client.createUpload({ totalSize: bytes.length });
        const writer = client.write().start(upload.name);
        await writer.chunk(0, bytes.subarray(0, MIB));
        await writer.flush(MIB);
        cut(way);
        // While it cannot hear, the part file is its own; the newer writer waits for it, or is told to come back.
        const taker = elsewhere.sendRest(upload.name, bytes, MIB).catch((error: unknown) => error);
        await new Promise((resolve) => setTimeout(resolve, 2000));
        way.on();
        await expect(writer.ended).rejects.toMatchObject({ code: 'ABORTED', reason: 'WRITER_SUPERSEDED' });
        const file = (await taker) as Awaited<ReturnType<typeof elsewhere.sendRest>>;
        await expectContent(elsewhere, file.name, bytes);
      },
    );
  }

  it('does its background work again', { timeout: 30_000 }, async () => {
    const upload = await client.createUpload({ ttl: { seconds: 1, nanos: 0 } });
    await until(
      async () => (await client.call('GetUpload', { name: upload.name })).state === 'EXPIRED',
      20_000,
    );
    expect(server.log.filter(({ level }) => level === 'fatal')).toEqual([]);
  });
});
