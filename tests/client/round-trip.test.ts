import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, type LongshoreClient, type PutProgress } from '../../src/client/client.ts';
import { newTenant, startTestServer, type TestServer } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MIB = 2 ** 20;
const folder = temporaryFolder();
let server: TestServer;
let client: LongshoreClient;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(async () => {
  client?.close();
  await server?.close();
});

beforeEach(() => {
  client?.close();
  client = connect({ address: server.address, tenant: newTenant(), notesFolder: join(folder, 'notes') });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Not toEqual: that walks megabytes byte by byte. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

async function received(nameOrDigest: string, range?: { offset: number; length?: number }): Promise<Buffer> {
  const to = new PassThrough();
  const all = buffer(to);
  await client.get(nameOrDigest, to, range === undefined ? {} : { range });
  to.end();
  return all;
}

describe('what was put', () => {
  it('as bytes comes back equal, with its digest, name, type and labels', async () => {
    const bytes = randomBytes(3 * MIB + 17);
    const file = await client.put(bytes, {
      name: 'a/b.bin',
      labels: { project: 'x' },
      mediaType: 'application/x-test',
    });
    expect(file).toMatchObject({
      displayName: 'a/b.bin',
      mediaType: 'application/x-test',
      sizeBytes: bytes.length,
      sha256: sha256(bytes),
      labels: { project: 'x' },
      state: 'ACTIVE',
      deduplicated: false,
      resumedFromBytes: 0,
    });
    expectSame(await received(file.name), bytes);
    expectSame(await received(`sha256:${file.sha256}`), bytes);
  });

  it('as a path lands at a path, whole and with nothing beside it', async () => {
    const bytes = randomBytes(9 * MIB + 1);
    const from = join(folder, 'from.bin');
    const into = join(folder, 'into');
    await mkdir(into);
    await writeFile(from, bytes);
    const file = await client.put(from);
    expect(file.displayName).toBe('from.bin');
    const result = await client.get(file.name, join(into, 'to.bin'));
    expect(result).toMatchObject({ sha256: sha256(bytes), bytesReceived: bytes.length, resumedFromBytes: 0 });
    expectSame(await readFile(join(into, 'to.bin')), bytes);
    expect(await readdir(into)).toEqual(['to.bin']);
    expect(await readdir(join(folder, 'notes'))).toEqual([]);
  });

  it('as a stream of unknown length in pieces of any size is the same', async () => {
    const bytes = randomBytes(5 * MIB);
    function* pieces() {
      for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 300_007) {
        yield bytes.subarray(at, at + size);
      }
    }
    const file = await client.put(Readable.from(pieces()), { name: 'piped' });
    expect(file.sha256).toBe(sha256(bytes));
    expectSame(await received(file.name), bytes);
  });

  it('as a stream of generated pieces, from any async iterable, too', async () => {
    async function* pieces() {
      for (let i = 0; i < 4; i++) yield Promise.resolve(Buffer.alloc(MIB, i));
    }
    const file = await client.put(pieces(), { name: 'generated' });
    expect(file.sizeBytes).toBe(4 * MIB);
  });

  it('is read in part from anywhere in it', async () => {
    const bytes = randomBytes(4 * MIB);
    const { name } = await client.put(bytes, { name: 'part' });
    expectSame(await received(name, { offset: 0, length: 1 }), bytes.subarray(0, 1));
    expectSame(
      await received(name, { offset: MIB - 3, length: 2 * MIB }),
      bytes.subarray(MIB - 3, 3 * MIB - 3),
    );
    expectSame(await received(name, { offset: 3 * MIB }), bytes.subarray(3 * MIB));
    expectSame(await received(name, { offset: -7 }), bytes.subarray(-7));
    expectSame(await received(name, { offset: bytes.length }), Buffer.alloc(0));
    await expect(received(name, { offset: bytes.length + 1 })).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
      reason: 'RANGE_NOT_SATISFIABLE',
    });
  });

  it('is not sent when this tenant holds it', async () => {
    const bytes = randomBytes(2 * MIB);
    await client.put(bytes, { name: 'first' });
    const seen: PutProgress[] = [];
    const second = await client.put(bytes, { name: 'second', onProgress: (progress) => seen.push(progress) });
    expect(second).toMatchObject({ displayName: 'second', sha256: sha256(bytes), deduplicated: true });
    expect(seen.at(-1)).toEqual({ phase: 'sending', bytesDone: bytes.length, bytesTotal: bytes.length });
    const asked = await client.put(bytes, { name: 'third', dedupe: 'no' });
    expect(asked).toMatchObject({ deduplicated: false, sha256: sha256(bytes) });
  });
});

describe('progress', () => {
  it('of a put never goes down, and ends with everything on disk', async () => {
    const bytes = randomBytes(20 * MIB);
    const seen: PutProgress[] = [];
    await client.put(bytes, { name: 'p', onProgress: (progress) => seen.push(progress) });
    for (const phase of ['hashing', 'sending']) {
      const done = seen.filter((progress) => progress.phase === phase).map(({ bytesDone }) => bytesDone);
      expect(done).toEqual(done.toSorted((a, b) => a - b));
      expect(done.at(-1)).toBe(bytes.length);
    }
  });

  it('of a get counts each byte once', async () => {
    const { name } = await client.put(randomBytes(3 * MIB), { name: 'p' });
    const seen: number[] = [];
    const total = 3 * MIB;
    await client.get(name, new PassThrough().resume(), {
      onProgress: ({ bytesDone, bytesTotal }) => {
        expect(bytesTotal).toBe(total);
        seen.push(bytesDone);
      },
    });
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b));
    expect([seen[0], seen.at(-1)]).toEqual([0, total]);
  });
});

describe('a digest that is told beforehand', () => {
  it('is held against what was sent', async () => {
    const bytes = randomBytes(1000);
    const wrong = sha256(Buffer.from('other'));
    await expect(client.put(bytes, { name: 'x', expectedDigest: wrong })).rejects.toMatchObject({
      reason: 'DIGEST_MISMATCH',
    });
    await expect(
      client.put(Readable.from([bytes]), { name: 'x', expectedDigest: wrong }),
    ).rejects.toMatchObject({
      reason: 'DIGEST_MISMATCH',
      metadata: { expected: wrong, actual: sha256(bytes) },
    });
    await client.put(Readable.from([bytes]), { name: 'x', expectedDigest: sha256(bytes).toUpperCase() });
  });
});

describe('records', () => {
  it('are found, changed, copied, deleted and brought back', async () => {
    const { name, etag } = await client.put(Buffer.from('content'), { name: 'a.txt' });
    const id = name.slice(name.lastIndexOf('/') + 1);
    expect(await client.stat(id)).toMatchObject({ name, displayName: 'a.txt' });
    const changed = await client.update(name, { displayName: 'b.txt', labels: { k: 'v' } }, { etag });
    expect(changed).toMatchObject({ displayName: 'b.txt', labels: { k: 'v' } });
    await expect(client.update(name, { displayName: 'c' }, { etag })).rejects.toMatchObject({
      code: 'ABORTED',
      reason: 'ETAG_MISMATCH',
    });
    const copy = await client.copy(name);
    expect(copy).toMatchObject({ sha256: changed.sha256, displayName: 'b.txt' });
    expect(copy.name).not.toBe(name);
    expect((await client.delete(name)).state).toBe('DELETED');
    await expect(client.delete(name)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'FILE_NOT_FOUND' });
    await client.delete(name, { allowMissing: true });
    expect((await client.undelete(name)).state).toBe('ACTIVE');
  });

  it('times come as dates, and go away with null', async () => {
    const expireTime = new Date(Date.now() + 3_600_000);
    const { name, createTime } = await client.put(Buffer.from('x'), { name: 'x', expireTime });
    expect(Math.abs(Date.now() - (createTime?.getTime() ?? 0))).toBeLessThan(60_000);
    expect((await client.stat(name)).expireTime).toEqual(expireTime);
    expect((await client.update(name, { expireTime: null })).expireTime).toBeNull();
  });

  it('are listed page by page, with a filter and in order', async () => {
    for (let i = 0; i < 5; i++) await client.put(Buffer.from(`content ${i}`), { name: `n${i}` });
    const names = async (options: Parameters<LongshoreClient['list']>[0]): Promise<string[]> => {
      const list = [];
      for await (const file of client.list(options)) list.push(file.displayName);
      return list;
    };
    expect(await names({ pageSize: 2, orderBy: 'display_name' })).toEqual(['n0', 'n1', 'n2', 'n3', 'n4']);
    expect(await names({ filter: 'display_name = "n3"' })).toEqual(['n3']);
    await expect(names({ filter: 'colour = red' })).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  });

  it('say which contents are missing', async () => {
    const { sha256: held, sizeBytes } = await client.put(Buffer.from('held'), { name: 'held' });
    const absent = { sha256: sha256(Buffer.from('absent')), sizeBytes: 6 };
    expect(await client.findMissing([{ sha256: held, sizeBytes }, absent])).toEqual([absent]);
  });

  it('are verified by the server', async () => {
    const { name } = await client.put(randomBytes(MIB), { name: 'v' });
    await expect(client.verify(name)).resolves.toBeUndefined();
  });
});

describe('an error', () => {
  it('carries code, reason and which field was wrong', async () => {
    await expect(client.put(Buffer.from('x'), { name: '../escape' })).rejects.toMatchObject({
      name: 'LongshoreClientError',
      code: 'INVALID_ARGUMENT',
      reason: 'FIELD_INVALID',
      violations: [{ field: 'file.display_name' }],
    });
  });

  it("of another tenant's file is that of one that is not there", async () => {
    const { name } = await client.put(Buffer.from('x'), { name: 'x' });
    const id = name.slice(name.lastIndexOf('/') + 1);
    const other = connect({ address: server.address, tenant: newTenant(), notesFolder: null });
    await expect(other.stat(id)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'FILE_NOT_FOUND' });
    other.close();
  });

  it('of a path that is not there is Node’s own, and nothing is asked of the server', async () => {
    await expect(client.put(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(client.put(folder)).rejects.toThrow();
    await expect(client.put(Buffer.from('x'))).rejects.toThrow('give one');
  });
});
