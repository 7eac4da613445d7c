import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LongshoreClientError } from '../../src/client/client-error.ts';
import { crc32c } from '../../src/client/crc32c.ts';
import { ContractClient, expectContent } from '../support/contract-client.ts';
import { sha256 } from '../support/digest.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { newTenant } from '../support/server.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { filesBelow, until } from '../support/until.ts';

const MIB = 2 ** 20;
const dataFolder = join(temporaryFolder(), 'data');
let database: TestDatabase;
let servers: ServerProcess[] = [];
const open: ContractClient[] = [];

function start(): Promise<ServerProcess> {
  return startServerProcess({ dataFolder, databaseUrl: database.url });
}

/** One tenant's caller of each process. */
function callers(tenant = newTenant()): [ContractClient, ContractClient] {
  const [one, two] = servers.map((server) => new ContractClient(server.address, tenant));
  if (!one || !two) throw new Error('there are no two servers');
  open.push(one, two);
  return [one, two];
}

beforeAll(async () => {
  await mkdir(dataFolder);
  database = await createTestDatabase();
  servers = await Promise.all([start(), start()]);
});

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.kill()));
  await database?.close();
});

function part(upload: string, offset: number, content: Buffer) {
  return { upload, offset, chunk: { content, crc32c: crc32c(content) } };
}

describe('two processes over one Postgres and one data folder', () => {
  const bytes = randomBytes(6 * MIB + 4321);

  it('let the newest stream have an upload, whichever process it is in', async () => {
    const [one, two] = callers();
    const upload = await one.createUpload({ totalSize: bytes.length });
    let persisted = 0;
    for (let turn = 0; turn < 4; turn += 1) {
      const [older, newer] = turn % 2 === 0 ? [one, two] : [two, one];
      const writer = older.write().start(upload.name);
      await writer.chunk(persisted, bytes.subarray(persisted, persisted + MIB));
      persisted += MIB;
      await writer.flush(persisted);
      const taker = newer.write().start(upload.name);
      await taker.send({ flush: true });
      expect((await taker.acknowledged(persisted)).persistedSize).toBe(persisted);
      await expect(writer.ended).rejects.toMatchObject({ code: 'ABORTED', reason: 'WRITER_SUPERSEDED' });
      taker.cancel();
    }
    const file = await two.sendRest(upload.name, bytes, persisted);
    expect(file.digest?.sha256).toBe(sha256(bytes));
    await expectContent(one, file.name, bytes);
  });

  it('let the newest stream have an upload in the same process', async () => {
    const [one] = callers();
    const upload = await one.createUpload({ totalSize: bytes.length });
    const older = one.write().start(upload.name);
    await older.chunk(0, bytes.subarray(0, MIB));
    await older.flush(MIB);
    const file = await one.sendRest(upload.name, bytes, MIB);
    expect(file.digest?.sha256).toBe(sha256(bytes));
    await expect(older.ended).rejects.toMatchObject({ reason: 'WRITER_SUPERSEDED' });
  });

  it('end with one winner and equal content when many writers race for an upload', async () => {
    const [one, two] = callers();
    const upload = await one.createUpload({ totalSize: bytes.length });
    const racers = Array.from({ length: 8 }, (_, index) => {
      const caller = index % 2 === 0 ? one : two;
      return caller.sendRest(upload.name, bytes, 0).then(
        (file) => file.digest?.sha256,
        (error: unknown) => {
          expect(error).toMatchObject({ code: 'ABORTED', reason: 'WRITER_SUPERSEDED' });
          return null;
        },
      );
    });
    const digests = (await Promise.all(racers)).filter((digest) => digest !== null);
    expect(digests.length).toBeGreaterThan(0);
    expect(new Set(digests)).toEqual(new Set([sha256(bytes)]));
  });

  it('end with one file and nothing left over when streams and finishers race for an upload', async () => {
    const [one, two] = callers();
    const acceptable = ['WRITER_SUPERSEDED', 'UPLOAD_INCOMPLETE', 'OFFSET_MISMATCH'];
    for (let round = 0; round < 12; round += 1) {
      const upload = await one.createUpload({ totalSize: bytes.length, parallel: round % 2 === 0 });
      const race = Array.from({ length: 6 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
        const caller = index % 2 === 0 ? one : two;
        try {
          const { etag } = await (index > 3
            ? caller.call('FinalizeUpload', { upload: upload.name })
            : caller.sendRest(upload.name, bytes, 0));
          return etag;
        } catch (error) {
          expect(acceptable).toContain(error instanceof LongshoreClientError ? error.reason : error);
          return null;
        }
      });
      const etags = (await Promise.all(race)).filter((etag) => etag !== null);
      const last = await two.sendRest(upload.name, bytes, 0);
      expect(new Set([...etags, last.etag]).size).toBe(1);
      expect(last.digest?.sha256).toBe(sha256(bytes));
    }
  });

  it('resume in one what was begun in the other, when that one was killed', async () => {
    const [one, two] = callers();
    const upload = await one.createUpload({});
    const cut = one.write().start(upload.name);
    await cut.chunk(0, bytes.subarray(0, 2 * MIB));
    await cut.flush(2 * MIB);
    await servers[0]?.kill();
    const { persistedSize } = await two.call('GetUpload', { name: upload.name });
    expect(persistedSize).toBe(2 * MIB);
    const file = await two.sendRest(upload.name, bytes, persistedSize);
    expect(file.digest?.sha256).toBe(sha256(bytes));
    servers[0] = await start();
  });

  it('take parts of one upload in any order, several times, from streams and calls of both', async () => {
    const [one, two] = callers();
    const upload = await one.createUpload({ totalSize: bytes.length, parallel: true });
    expect(upload).toMatchObject({ parallel: true, partAlignBytes: MIB });
    const parts = [6, 1, 4, 0, 3, 1, 6].map((index) => index * MIB);
    await Promise.all(
      parts.map((offset, turn) =>
        (turn % 2 === 0 ? one : two).call(
          'WriteUploadPart',
          part(upload.name, offset, bytes.subarray(offset, offset + MIB)),
        ),
      ),
    );
    const streams = [2, 5].map(async (index) => {
      const writer = (index === 2 ? one : two).write().start(upload.name);
      for (const half of [index * MIB, index * MIB + MIB / 2]) {
        await writer.chunk(half, bytes.subarray(half, half + MIB / 2));
      }
      await writer.send({ flush: true });
      writer.call.end();
      await writer.ended;
    });
    await Promise.all(streams);
    for (const caller of [one, two]) {
      const { persistedSize, persistedRanges } = await caller.call('GetUpload', { name: upload.name });
      expect(persistedRanges).toEqual([{ offset: 0, length: bytes.length }]);
      expect(persistedSize).toBe(bytes.length);
    }
    const files = await Promise.all([one, two].map((caller) => caller.finalize(upload.name)));
    expect(files[0]?.etag).toBe(files[1]?.etag);
    await expectContent(two, files[0]?.name ?? '', bytes);
  });

  it('say of a parallel upload what is missing, and compare a part that comes again', async () => {
    const [one, two] = callers();
    const upload = await one.createUpload({ totalSize: bytes.length, parallel: true });
    await one.call('WriteUploadPart', part(upload.name, 2 * MIB, bytes.subarray(2 * MIB, 3 * MIB)));
    await two.call('WriteUploadPart', part(upload.name, 4 * MIB, bytes.subarray(4 * MIB, 5 * MIB)));
    const found = await one.call('GetUpload', { name: upload.name });
    expect(found.persistedSize).toBe(0);
    expect(found.persistedRanges).toEqual([
      { offset: 2 * MIB, length: MIB },
      { offset: 4 * MIB, length: MIB },
    ]);
    await expect(two.call('FinalizeUpload', { upload: upload.name })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'UPLOAD_INCOMPLETE',
      metadata: { persisted_size: '0' },
    });
    const lie = Buffer.from(bytes.subarray(4 * MIB, 5 * MIB));
    lie.writeUInt8(lie.readUInt8(77) ^ 1, 77);
    for (const caller of [one, two]) {
      await expect(caller.call('WriteUploadPart', part(upload.name, 4 * MIB, lie))).rejects.toMatchObject({
        code: 'ABORTED',
        reason: 'OVERLAP_DIFFERS',
      });
    }
    await one.call('CancelUpload', { name: upload.name });
  });

  it('answer the same part sent many times at once with the same upload', async () => {
    const [one, two] = callers();
    const upload = await one.createUpload({ totalSize: 2 * MIB, parallel: true });
    const content = bytes.subarray(MIB, 2 * MIB);
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        (index < 5 ? one : two).call('WriteUploadPart', part(upload.name, MIB, content)),
      ),
    );
    for (const { persistedRanges } of answers)
      expect(persistedRanges).toEqual([{ offset: MIB, length: MIB }]);
  });

  it('take a hundred parts at once or say when to send them again', async () => {
    const [one] = callers();
    const count = 100;
    const content = randomBytes(MIB);
    const upload = await one.createUpload({ totalSize: count * MIB, parallel: true });
    const send = async (index: number): Promise<void> => {
      for (;;) {
        try {
          await one.call('WriteUploadPart', part(upload.name, index * MIB, content));
          return;
        } catch (error) {
          expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMITED' });
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    };
    await Promise.all(Array.from({ length: count }, (_, index) => send(count - 1 - index)));
    expect((await one.call('GetUpload', { name: upload.name })).persistedSize).toBe(count * MIB);
    await one.call('CancelUpload', { name: upload.name });
  });

  it('end the writer in the other process when an upload is cancelled, and keep nothing of it', async () => {
    const [one, two] = callers();
    const upload = await one.createUpload({});
    const writer = one.write().start(upload.name);
    await writer.chunk(0, bytes.subarray(0, MIB));
    await writer.flush(MIB);
    await two.call('CancelUpload', { name: upload.name });
    await expect(writer.ended).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'UPLOAD_CLOSED',
      metadata: { state: 'cancelled' },
    });
    const id = upload.name.split('/').at(-1) ?? '';
    await until(
      async () => !(await filesBelow(join(dataFolder, 'uploads'))).some((path) => path.startsWith(id)),
    );
  });

  it('keep one copy of content that both take in at once', async () => {
    const [one, two] = callers();
    const content = randomBytes(3 * MIB);
    const files = await Promise.all([
      ...Array.from({ length: 3 }, (_, index) => one.put(content, { displayName: `one-${index}` })),
      ...Array.from({ length: 3 }, (_, index) => two.put(content, { displayName: `two-${index}` })),
    ]);
    expect(new Set(files.map((file) => file.digest?.sha256))).toEqual(new Set([sha256(content)]));
    const copies = (await filesBelow(join(dataFolder, 'blobs'))).filter((path) =>
      path.endsWith(sha256(content)),
    );
    expect(copies).toHaveLength(1);
  });

  it('leave no part file behind', async () => {
    const [one] = callers();
    await one.put(randomBytes(1000));
    const { rows } = await database.postgres.query<{ upload_id: string }>(
      `select upload_id from uploads where state in ('open', 'finalizing')`,
    );
    const open = new Set(rows.map((row) => row.upload_id));
    const folders = (await filesBelow(join(dataFolder, 'uploads'))).map((path) => path.split('/')[0] ?? '');
    expect(folders.filter((id) => !open.has(id))).toEqual([]);
  });
});
