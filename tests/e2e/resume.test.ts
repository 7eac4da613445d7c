import { randomBytes } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ContractClient, expectContent } from '../support/contract-client.ts';
import { sha256 } from '../support/digest.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { newTenant } from '../support/server.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { filesBelow, until } from '../support/until.ts';

const MIB = 2 ** 20;
const folder = temporaryFolder();
let database: TestDatabase;
let server: ServerProcess;
const dataFolder = join(folder, 'data');
const open: ContractClient[] = [];

async function start(): Promise<void> {
  server = await startServerProcess({
    dataFolder,
    databaseUrl: database.url,
    settings: { LONGSHORE_UPLOAD_IDLE_TIMEOUT: '700ms' },
  });
}

function client(tenant = newTenant()): ContractClient {
  const made = new ContractClient(server.address, tenant);
  open.push(made);
  return made;
}

beforeAll(async () => {
  await mkdir(dataFolder);
  database = await createTestDatabase();
  await start();
});

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

afterAll(async () => {
  await server?.kill();
  await database?.close();
});

describe('an upload', () => {
  const bytes = randomBytes(10 * MIB + 333);

  it('whose client was lost goes on from what was acknowledged, and comes back equal', async () => {
    const caller = client();
    const upload = await caller.createUpload({ totalSize: bytes.length });
    const lost = caller.write().start(upload.name);
    await lost.chunk(0, bytes.subarray(0, 2 * MIB));
    await lost.chunk(2 * MIB, bytes.subarray(2 * MIB, 3 * MIB + 17));
    const ack = await lost.flush(3 * MIB + 17);
    expect(ack.persistedRanges).toEqual([{ offset: 0, length: 3 * MIB + 17 }]);
    lost.cancel();
    const found = await caller.call('GetUpload', { name: upload.name });
    expect(found).toMatchObject({ state: 'OPEN', persistedSize: 3 * MIB + 17 });
    const file = await caller.sendRest(upload.name, bytes, found.persistedSize);
    expect(file.digest).toEqual({ sha256: sha256(bytes), sizeBytes: bytes.length });
    await expectContent(caller, file.name, bytes);
  });

  it('whose server was killed in the middle goes on from what was acknowledged', async () => {
    const tenant = newTenant();
    const before = client(tenant);
    const upload = await before.createUpload({ totalSize: bytes.length });
    const cut = before.write().start(upload.name);
    await cut.chunk(0, bytes.subarray(0, 2 * MIB));
    await cut.flush(2 * MIB);
    await cut.chunk(2 * MIB, bytes.subarray(2 * MIB, 4 * MIB));
    await server.kill();
    await expect(cut.ended).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await start();
    const after = client(tenant);
    const { persistedSize } = await after.call('GetUpload', { name: upload.name });
    expect(persistedSize).toBeGreaterThanOrEqual(2 * MIB);
    const file = await after.sendRest(upload.name, bytes, persistedSize);
    await expectContent(after, file.name, bytes);
  });

  it('takes bytes again that it has, in any cut, and compares them', async () => {
    const caller = client();
    const upload = await caller.createUpload({ totalSize: bytes.length });
    const first = caller.write().start(upload.name);
    await first.chunk(0, bytes.subarray(0, MIB + 77));
    await first.flush(MIB + 77);
    first.cancel();
    const file = await caller.sendRest(upload.name, bytes, 0, 300_000);
    expect(file.digest?.sha256).toBe(sha256(bytes));
    const other = await caller.createUpload({ totalSize: bytes.length });
    const writer = caller.write().start(other.name);
    await writer.chunk(0, bytes.subarray(0, MIB));
    await writer.flush(MIB);
    const lie = Buffer.from(bytes.subarray(1000, 2 * MIB));
    lie.writeUInt8(lie.readUInt8(5) ^ 1, 5);
    await writer.chunk(1000, lie);
    await expect(writer.ended).rejects.toMatchObject({ code: 'ABORTED', reason: 'OVERLAP_DIFFERS' });
    const again = await caller.sendRest(other.name, bytes, MIB);
    expect(again.digest?.sha256).toBe(sha256(bytes));
  });

  it('is the same content in the end, however it was cut, repeated and cut off', async () => {
    const caller = client();
    const content = bytes.subarray(0, 3 * MIB);
    /** One stream: where it begins before what is there, the sizes of its chunks, and how it ends. */
    const stream = fc.record({
      back: fc.integer({ min: 0, max: 2 * MIB }),
      chunks: fc.array(fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 2 * MIB })), {
        minLength: 1,
        maxLength: 6,
      }),
      ends: fc.constantFrom('flushed', 'half-closed', 'cancelled'),
    });
    const send = async (
      name: string,
      { back, chunks, ends }: typeof stream extends fc.Arbitrary<infer T> ? T : never,
    ) => {
      const { persistedSize } = await caller.call('GetUpload', { name });
      const writer = caller.write().start(name);
      let at = Math.max(persistedSize - back, 0);
      for (const size of chunks) {
        await writer.chunk(at, content.subarray(at, at + size));
        at = Math.min(at + size, content.length);
      }
      if (ends === 'flushed') await writer.flush(at);
      if (ends === 'half-closed') {
        writer.call.end();
        await writer.ended;
      }
      writer.cancel();
      return ends === 'cancelled' ? persistedSize : Math.max(at, persistedSize);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(stream, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (streams, isParallel) => {
          const { name } = await caller.createUpload({ totalSize: content.length, parallel: isParallel });
          for (const each of streams) {
            const promised = await send(name, each);
            const { persistedSize } = await caller.call('GetUpload', { name });
            expect(persistedSize).toBeGreaterThanOrEqual(isParallel ? 0 : promised);
          }
          const { persistedSize } = await caller.call('GetUpload', { name });
          const file = await caller.sendRest(name, content, persistedSize);
          expect(file.digest?.sha256).toBe(sha256(content));
          await caller.call('DeleteFile', { name: file.name });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is told where to go on when its client skips bytes', async () => {
    const caller = client();
    const upload = await caller.createUpload({});
    const writer = caller.write().start(upload.name);
    await writer.chunk(0, bytes.subarray(0, 1000));
    await writer.chunk(2000, bytes.subarray(2000, 3000));
    await expect(writer.ended).rejects.toMatchObject({
      code: 'ABORTED',
      reason: 'OFFSET_MISMATCH',
      metadata: { persisted_size: '1000' },
    });
  });

  it('keeps what it has when a chunk comes damaged, also with others behind it', async () => {
    const caller = client();
    for (let round = 0; round < 5; round += 1) {
      const upload = await caller.createUpload({ totalSize: bytes.length });
      const writer = caller.write().start(upload.name);
      await writer.chunk(0, bytes.subarray(0, MIB));
      await writer.send({ offset: MIB, chunk: { content: bytes.subarray(MIB, 2 * MIB), crc32c: 7 } });
      for (let at = 2; at < 6; at += 1) {
        await writer.chunk(at * MIB, bytes.subarray(at * MIB, (at + 1) * MIB));
      }
      await expect(writer.ended).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'CHUNK_CORRUPT',
        metadata: { offset: String(MIB) },
      });
      const file = await caller.sendRest(
        upload.name,
        bytes,
        (await caller.call('GetUpload', { name: upload.name })).persistedSize,
      );
      expect(file.digest?.sha256).toBe(sha256(bytes));
    }
  });

  it('is acknowledged within a second or so, though nobody asked and it is small', async () => {
    const caller = client();
    const upload = await caller.createUpload({});
    const writer = caller.write().start(upload.name);
    const keepAwake = setInterval(() => void writer.send({}), 200);
    await writer.chunk(0, bytes.subarray(0, 1000));
    const begin = performance.now();
    await writer.acknowledged(1000);
    expect(performance.now() - begin).toBeLessThan(4000);
    await writer.chunk(1000, bytes.subarray(1000, 2000));
    await writer.acknowledged(2000);
    clearInterval(keepAwake);
    writer.cancel();
  });

  it('whose writer stalls is let go, with what it sent kept', async () => {
    const caller = client();
    const upload = await caller.createUpload({ totalSize: bytes.length });
    const writer = caller.write().start(upload.name);
    await writer.chunk(0, bytes.subarray(0, MIB));
    await writer.flush(MIB);
    await expect(writer.ended).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'UPLOAD_IDLE' });
    const file = await caller.sendRest(upload.name, bytes, MIB);
    expect(file.digest?.sha256).toBe(sha256(bytes));
  });

  it('whose client ends its side without finishing is kept and acknowledged', async () => {
    const caller = client();
    const upload = await caller.createUpload({});
    const writer = caller.write().start(upload.name);
    await writer.chunk(0, bytes.subarray(0, 5000));
    writer.call.end();
    expect(await writer.ended).toBeNull();
    expect(writer.acks.at(-1)?.persistedSize).toBe(5000);
    const file = await caller.sendRest(upload.name, bytes, 5000);
    expect(file.digest?.sha256).toBe(sha256(bytes));
  });

  it('that is finished twice gives the same file, by stream and by call, also at once', async () => {
    const caller = client();
    const upload = await caller.createUpload({ totalSize: bytes.length });
    const writer = caller.write().start(upload.name);
    for (let at = 0; at < bytes.length; at += MIB) await writer.chunk(at, bytes.subarray(at, at + MIB));
    await writer.flush(bytes.length);
    writer.call.end();
    await writer.ended;
    const files = await Promise.all(Array.from({ length: 4 }, () => caller.finalize(upload.name)));
    const byStream = await caller.write().start(upload.name).finish();
    for (const file of [...files, byStream]) expect(file.etag).toBe(files[0]?.etag);
    expect(await caller.call('GetUpload', { name: upload.name })).toMatchObject({ state: 'COMPLETED' });
    const { files: all } = await caller.call('ListFiles', { parent: caller.parent });
    expect(all).toHaveLength(1);
  });

  it('that is cancelled takes nothing more and leaves nothing on the disk', async () => {
    const caller = client();
    const upload = await caller.createUpload({});
    const writer = caller.write().start(upload.name);
    await writer.chunk(0, bytes.subarray(0, MIB));
    await writer.flush(MIB);
    await caller.call('CancelUpload', { name: upload.name });
    await expect(writer.ended).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'UPLOAD_CLOSED',
    });
    await expect(caller.sendRest(upload.name, bytes, 0)).rejects.toMatchObject({ reason: 'UPLOAD_CLOSED' });
    await caller.call('CancelUpload', { name: upload.name });
    const id = upload.name.split('/').at(-1) ?? '';
    await until(
      async () => !(await filesBelow(join(dataFolder, 'uploads'))).some((path) => path.includes(id)),
    );
  });

  it('of an empty file needs no byte', async () => {
    const caller = client();
    const known = await caller.put(Buffer.alloc(0), { displayName: 'empty' });
    expect(known.digest).toEqual({ sha256: sha256(Buffer.alloc(0)), sizeBytes: 0 });
    const upload = await caller.createUpload({});
    const unknown = await caller.call('FinalizeUpload', { upload: upload.name });
    expect(unknown.digest?.sizeBytes).toBe(0);
    await expectContent(caller, unknown.name, Buffer.alloc(0));
  });

  it('stops writing at once when its call is cancelled, in the middle of a chunk', async () => {
    const caller = client();
    const upload = await caller.createUpload({ totalSize: 64 * MIB });
    const writer = caller.write().start(upload.name);
    const big = randomBytes(2 * MIB);
    let at = 0;
    const sending = (async () => {
      for (; at < 60 * MIB && !writer.call.destroyed; at += big.length) await writer.chunk(at, big);
    })();
    await writer.acknowledged(8 * MIB);
    writer.cancel();
    await sending;
    await expect(writer.ended).rejects.toMatchObject({ code: 'CANCELLED' });
    const contentFile = join(dataFolder, 'uploads', upload.name.split('/').at(-1) ?? '', 'content');
    await new Promise((resolve) => setTimeout(resolve, 250));
    const { mtimeMs } = await stat(contentFile);
    const found = await caller.call('GetUpload', { name: upload.name });
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect((await stat(contentFile)).mtimeMs).toBe(mtimeMs);
    expect(await caller.call('GetUpload', { name: upload.name })).toEqual(found);
    const next = caller.write().start(upload.name);
    await next.chunk(found.persistedSize, big);
    expect((await next.flush(found.persistedSize + big.length)).persistedSize).toBe(
      found.persistedSize + big.length,
    );
    next.cancel();
    await caller.call('CancelUpload', { name: upload.name });
  });
});
