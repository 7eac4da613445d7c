import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LongshoreClientError } from '../../../src/client/client-error.ts';
import { ContractClient, expectContent } from '../../support/contract-client.ts';
import { sha256 } from '../../support/digest.ts';
import { faultfs, faultfsMissing } from '../../support/faultfs.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { newTenant } from '../../support/server.ts';
import { startServerProcess, type ServerProcess } from '../../support/server-process.ts';
import { smallDisk, smallDiskMissing } from '../../support/small-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { filesBelow } from '../../support/until.ts';

const MIB = 2 ** 20;
const CALLS_MAX = 200;

for (const why of new Set([faultfsMissing, smallDiskMissing])) {
  if (why !== null) process.stderr.write(`NOT RUN: some tests of a failing or full disk: ${why}\n`);
}

describe.skipIf(faultfsMissing !== null)('a server whose disk fails', () => {
  const folder = temporaryFolder();
  const dataFolder = join(folder, 'data');
  const plan = join(folder, 'plan');
  const log = join(folder, 'log');
  let database: TestDatabase;
  let server: ServerProcess;
  let client: ContractClient;

  beforeAll(async () => {
    mkdirSync(dataFolder);
    writeFileSync(plan, '');
    database = await createTestDatabase();
    server = await startServerProcess({
      dataFolder,
      databaseUrl: database.url,
      settings: faultfs({ under: dataFolder, plan, log }),
    });
    client = new ContractClient(server.address, newTenant());
  });

  afterAll(async () => {
    client?.close();
    await server?.kill();
    await database?.close();
  });

  async function send(upload: string, bytes: Buffer): Promise<number> {
    const writer = client.write().start(upload);
    let acknowledged = 0;
    try {
      await writer.chunk(0, bytes.subarray(0, MIB), { flush: true });
      acknowledged = (await writer.acknowledged(MIB)).persistedSize;
      await writer.chunk(MIB, bytes.subarray(MIB));
      await writer.finish();
      return bytes.length;
    } catch (error) {
      throw Object.assign(error instanceof Error ? error : new Error(String(error)), { acknowledged });
    }
  }

  for (const [fault, wanted] of [
    ['EIO', { code: 'UNAVAILABLE', reason: 'STORAGE_FAILED' }],
    ['ENOSPC', { code: 'RESOURCE_EXHAUSTED', reason: 'STORAGE_FULL' }],
  ] as const) {
    it(
      `tells ${fault} at any call, acknowledges nothing that is not there, and goes on when the disk is well`,
      { timeout: 60_000 },
      async () => {
        let n = 0;
        for (let survived = false; !survived && n < CALLS_MAX;) {
          n += 1;
          const bytes = randomBytes(2 * MIB + 1234);
          const upload = await client.createUpload({ totalSize: bytes.length });
          writeFileSync(plan, `any:${n}:${fault}`);
          const failure = await send(upload.name, bytes).then(
            () => null,
            (error: unknown) => error as LongshoreClientError & { acknowledged: number },
          );
          const call =
            readFileSync(log, 'utf8')
              .trim()
              .split('\n')
              .findLast((line) => line.includes(fault)) ?? '';
          writeFileSync(plan, '');
          // Called again, the file is there: what failed was clearing up.
          const found = await client.call('GetUpload', { name: upload.name });
          survived = !call.startsWith(`${n} `);
          if (failure) {
            expect(failure, call).toMatchObject(wanted);
            if (fault === 'ENOSPC') {
              expect(Object.keys(failure.metadata).toSorted(), call).toEqual([
                'available',
                'needed',
                'to_free',
              ]);
              expect(failure.retryAfterMs).toBeGreaterThan(0);
            }
            expect(found.persistedSize, call).toBeGreaterThanOrEqual(failure.acknowledged);
          }
          const file =
            found.state === 'COMPLETED' && found.file
              ? found.file
              : await client.sendRest(upload.name, bytes, found.persistedSize);
          await expectContent(client, file.name, bytes);
          const blobs = (await filesBelow(join(dataFolder, 'blobs'))).filter((path) =>
            path.includes(sha256(bytes)),
          );
          expect(blobs, call).toHaveLength(2);
          writeFileSync(log, '');
        }
        expect(n).toBeGreaterThan(10);
      },
    );
  }

  it('never tries a failed fsync again', { timeout: 20_000 }, async () => {
    const bytes = randomBytes(2 * MIB);
    const upload = await client.createUpload({ totalSize: bytes.length });
    writeFileSync(plan, 'fdatasync:1:EIO');
    writeFileSync(log, '');
    const writer = client.write().start(upload.name);
    await writer.chunk(0, bytes.subarray(0, MIB), { flush: true });
    await expect(writer.ended).rejects.toMatchObject({ reason: 'STORAGE_FAILED' });
    expect(writer.acks).toEqual([]);
    const calls = readFileSync(log, 'utf8').trim().split('\n');
    const failed = calls.findIndex((line) => line.includes('EIO'));
    expect(calls.slice(failed + 1).filter((line) => line.includes('sync'))).toEqual([]);
    writeFileSync(plan, '');
    const { persistedSize } = await client.call('GetUpload', { name: upload.name });
    expect(persistedSize).toBe(0);
    const file = await client.sendRest(upload.name, bytes, 0);
    await expectContent(client, file.name, bytes);
  });
});

describe.skipIf(smallDiskMissing !== null)('a server whose disk is full', () => {
  it('refuses what does not fit with figures, keeps what it has, and goes on when there is room', async () => {
    const disk = smallDisk(96 * MIB);
    await using database = await createTestDatabase();
    const dataFolder = join(disk.folder, 'data');
    mkdirSync(dataFolder);
    const server = await startServerProcess({ dataFolder, databaseUrl: database.url });
    const client = new ContractClient(server.address, newTenant());
    try {
      // 64 MiB are kept free for the database and for journals.
      const kept = await client.put(randomBytes(8 * MIB));
      await expect(client.createUpload({ totalSize: 40 * MIB, requestId: 'again' })).rejects.toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'STORAGE_FULL',
        metadata: { needed: String(104 * MIB), available: /^\d+$/, to_free: /^\d+$/ },
      });
      await expect(client.createUpload({ totalSize: 40 * MIB, requestId: 'again' })).rejects.toMatchObject({
        reason: 'STORAGE_FULL',
      });
      const bytes = randomBytes(90 * MIB);
      const upload = await client.createUpload({});
      const error = await client.sendRest(upload.name, bytes, 0, 2 * MIB).then(
        () => null,
        (failure: unknown) => failure as LongshoreClientError,
      );
      expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'STORAGE_FULL' });
      expect(Number(error?.metadata['needed'])).toBeGreaterThan(0);
      const { persistedSize } = await client.call('GetUpload', { name: upload.name });
      expect(persistedSize).toBeGreaterThan(40 * MIB);
      await expectContent(client, kept.name, (await client.read({ file: kept.name })).content);
      await expect(
        client.call('BatchUploadFiles', {
          parent: client.parent,
          items: [{ file: { displayName: 'x' }, chunk: { content: randomBytes(2 * MIB) } }],
        }),
      ).resolves.toMatchObject({ items: [{ status: { code: 8 } }] });
      await client.call('CancelUpload', { name: upload.name });
      const file = await client.put(bytes.subarray(0, 4 * MIB));
      await expectContent(client, file.name, bytes.subarray(0, 4 * MIB));
    } finally {
      client.close();
      await server.kill();
      disk.unmount();
    }
  });
});
