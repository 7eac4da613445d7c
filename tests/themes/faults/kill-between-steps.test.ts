import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FileMessage } from '../../../src/client/messages.ts';
import { ContractClient, expectContent } from '../../support/contract-client.ts';
import { sha256 } from '../../support/digest.ts';
import { faultfs, faultfsMissing } from '../../support/faultfs.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { newTenant } from '../../support/server.ts';
import { startServerProcess, type ServerProcess } from '../../support/server-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { filesBelow, until } from '../../support/until.ts';

const MIB = 2 ** 20;
const LOOPS = 2;
const STEPS_MAX = 200;

if (faultfsMissing !== null)
  process.stderr.write(`NOT RUN: kill -9 between every two steps: ${faultfsMissing}\n`);

/**
 * One server that is killed before its n-th call on the data folder, for each n until it gets through; another one over
 * the same database and folder that finds what is left, as the restarted one would.
 */
describe.skipIf(faultfsMissing !== null)('a server that is killed before any of its file calls', () => {
  const folder = temporaryFolder();
  const dataFolder = join(folder, 'data');
  const tenant = newTenant();
  let database: TestDatabase;
  let survivor: ServerProcess;
  let client: ContractClient;

  beforeAll(async () => {
    mkdirSync(dataFolder);
    database = await createTestDatabase();
    survivor = await startServerProcess({ dataFolder, databaseUrl: database.url });
    client = new ContractClient(survivor.address, tenant);
  });

  afterEach(async () => {
    const { files } = await client.call('ListFiles', { parent: client.parent, pageSize: 1000 });
    for (const { name } of files) await client.call('DeleteFile', { name });
  });

  afterAll(async () => {
    client?.close();
    await survivor?.kill();
    await database?.close();
  });

  async function victim(name: string): Promise<{ server: ServerProcess; plan: string; log: string }> {
    const [plan, log] = [join(folder, `${name}.plan`), join(folder, `${name}.log`)];
    writeFileSync(plan, '');
    const server = await startServerProcess({
      dataFolder,
      databaseUrl: database.url,
      settings: faultfs({ under: dataFolder, plan, log }),
    });
    return { server, plan, log };
  }

  /** Runs `attempt` on a victim that dies before its n-th call. Whether it got through unharmed. */
  async function killed(
    name: string,
    n: number,
    prepare: (victim: ContractClient) => Promise<string>,
    attempt: (victim: ContractClient, prepared: string) => Promise<unknown>,
  ): Promise<{ survived: boolean; prepared: string; call: string }> {
    const { server, plan, log } = await victim(`${name}-${n}`);
    const caller = new ContractClient(server.address, tenant);
    try {
      const prepared = await prepare(caller);
      writeFileSync(plan, `any:${n}:KILL`);
      const outcome = await attempt(caller, prepared).then(
        () => 'served',
        (error: unknown) => error,
      );
      if (outcome === 'served') return { survived: true, prepared, call: '' };
      // Nothing else than its death may go wrong.
      expect(outcome).toMatchObject({ code: 'UNAVAILABLE' });
      expect(await server.ended).toMatchObject({ signal: 'SIGKILL' });
      const call = readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '';
      return { survived: false, prepared, call };
    } finally {
      caller.close();
      await server.kill();
    }
  }

  /** `step(n)` says whether run n got through; a few run side by side. Returns how many did not. */
  async function untilUnharmed(step: (n: number) => Promise<boolean>): Promise<number> {
    let next = 1;
    let unharmed = Infinity;
    const loop = async (): Promise<void> => {
      while (next < unharmed && next < STEPS_MAX) {
        const n = next;
        next += 1;
        if (await step(n)) unharmed = Math.min(unharmed, n);
      }
    };
    await Promise.all(Array.from({ length: LOOPS }, loop));
    return unharmed - 1;
  }

  async function blobFiles(digest: string): Promise<string[]> {
    return (await filesBelow(join(dataFolder, 'blobs'))).filter((path) => path.includes(digest));
  }

  function whole(digest: string): string[] {
    const path = `${digest.slice(0, 2)}/${digest}`;
    return [path, `${path}.manifest`];
  }

  it(
    'keeps what it acknowledged, and the upload is finished by the next server with nothing left over',
    { timeout: 150_000 },
    async () => {
      const calls = new Set<string>();
      const steps = await untilUnharmed(async (n) => {
        const bytes = randomBytes(2 * MIB + 1234);
        let acknowledged = 0;
        const {
          survived,
          prepared: upload,
          call,
        } = await killed(
          'upload',
          n,
          async (caller) => (await caller.createUpload({ totalSize: bytes.length, fileId: `f${n}` })).name,
          async (caller, name) => {
            const writer = caller.write().start(name);
            await writer.chunk(0, bytes.subarray(0, MIB), { flush: true });
            acknowledged = (await writer.acknowledged(MIB)).persistedSize;
            await writer.chunk(MIB, bytes.subarray(MIB));
            await writer.finish();
          },
        );
        calls.add(call.split(' ')[1] ?? '');
        const found = await client.call('GetUpload', { name: upload });
        if (found.state === 'OPEN') expect(found.persistedSize, call).toBeGreaterThanOrEqual(acknowledged);
        let file: FileMessage;
        if (found.state === 'COMPLETED' && found.file) file = found.file;
        else if (n % 2 === 0) file = await client.sendRest(upload, bytes, found.persistedSize);
        else file = await finalizeOrSend(upload, bytes);
        expect(file.digest, call).toEqual({ sha256: sha256(bytes), sizeBytes: bytes.length });
        await expectContent(client, file.name, bytes);
        expect(await blobFiles(sha256(bytes)), call).toEqual(whole(sha256(bytes)));
        const id = upload.split('/').at(-1) ?? '';
        await until(async () => {
          const left = await filesBelow(join(dataFolder, 'uploads'));
          return found.state === 'COMPLETED' || !left.some((path) => path.startsWith(id));
        });
        return survived;
      });
      expect(steps).toBeGreaterThan(12);
      for (const call of ['pwrite', 'fdatasync', 'rename', 'fsync', 'unlink']) expect(calls).toContain(call);
    },
  );

  /** As a client does that asks for the file first. */
  async function finalizeOrSend(upload: string, bytes: Buffer): Promise<FileMessage> {
    try {
      return await client.finalize(upload);
    } catch {
      const { persistedSize } = await client.call('GetUpload', { name: upload });
      return client.sendRest(upload, bytes, persistedSize);
    }
  }

  it('stores a small file again, whatever it had left of it', { timeout: 100_000 }, async () => {
    const steps = await untilUnharmed(async (n) => {
      const content = randomBytes(5000);
      const request = {
        parent: client.parent,
        items: [{ file: { displayName: 'small' }, fileId: `s${n}`, chunk: { content } }],
        requestId: `small-${n}`,
      };
      const { survived, call } = await killed(
        'small',
        n,
        async () => '',
        (caller) => caller.call('BatchUploadFiles', request),
      );
      const { items } = await client.call('BatchUploadFiles', { ...request, requestId: '' });
      expect(items[0]?.file?.digest?.sha256, call).toBe(sha256(content));
      await expectContent(client, items[0]?.file?.name ?? '', content);
      const left = (await blobFiles(sha256(content))).filter((path) => !path.endsWith('.tmp'));
      expect(left).toEqual(whole(sha256(content)));
      return survived;
    });
    expect(steps).toBeGreaterThan(5);
  });
});
