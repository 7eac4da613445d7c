import { randomBytes, randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/client/crc32c.ts';
import { expectContent } from '../support/contract-client.ts';
import { sha256 } from '../support/digest.ts';
import { runningServer } from '../support/running-server.ts';
import { newTenant } from '../support/server.ts';
import { filesBelow } from '../support/until.ts';

const MIB = 2 ** 20;
const KIB = 1024;
const server = runningServer();

async function stored(): Promise<{ blobs: string[]; bytes: number }> {
  const folder = join(server.dataFolder, 'blobs');
  const blobs = (await filesBelow(folder)).filter((path) => /\/[0-9a-f]{64}$/.test(path));
  const sizes = await Promise.all(blobs.map(async (path) => (await stat(join(folder, path))).size));
  return { blobs, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

describe('the same content', () => {
  it('under another name writes no second copy, whether it is told beforehand or not', async () => {
    const bytes = randomBytes(2 * MIB + 9);
    const caller = server.client();
    const first = await caller.put(bytes, { displayName: 'first' });
    const before = await stored();
    const again = await caller.put(bytes, { displayName: 'second' });
    const upload = await caller.createUpload({
      displayName: 'third',
      expectedDigest: { sha256: sha256(bytes), sizeBytes: bytes.length },
    });
    expect(upload).toMatchObject({ state: 'COMPLETED', deduplicated: true });
    expect(upload.file?.digest).toEqual(first.digest);
    expect(await stored()).toEqual(before);
    for (const name of [first.name, again.name, upload.file?.name ?? '']) {
      await expectContent(caller, name, bytes);
    }
    const { rows } = await server.database.postgres.query<{ duplicate_count: number }>(
      'select duplicate_count from blobs where sha256 = $1',
      [Buffer.from(sha256(bytes), 'hex')],
    );
    expect(rows).toEqual([{ duplicate_count: 2 }]);
  });

  it('is not had by knowing its digest: another tenant has to send it, and no second copy is kept', async () => {
    const bytes = randomBytes(MIB + 1);
    const digest = { sha256: sha256(bytes), sizeBytes: bytes.length };
    const owner = server.client();
    await owner.put(bytes);
    const stranger = server.client();
    const { missing } = await stranger.call('FindMissingBlobs', {
      parent: stranger.parent,
      digests: [digest],
    });
    expect(missing).toEqual([digest]);
    await expect(stranger.read({ digest, parent: stranger.parent })).rejects.toMatchObject({
      reason: 'FILE_NOT_FOUND',
    });
    const upload = await stranger.createUpload({ expectedDigest: digest, totalSize: bytes.length });
    expect(upload.state).toBe('OPEN');
    const before = await stored();
    await stranger.sendRest(upload.name, bytes, 0);
    expect(await stored()).toEqual(before);
    expect((await stranger.read({ digest, parent: stranger.parent })).content.equals(bytes)).toBe(true);
    const nowMissing = await stranger.call('FindMissingBlobs', {
      parent: stranger.parent,
      digests: [digest],
    });
    expect(nowMissing.missing).toEqual([]);
  });

  it('has the type that its bytes have when it is used again, and cannot be passed off as another', async () => {
    const caller = server.client();
    // Signature, a whole IHDR, and the head of an IDAT of 4,000 bytes.
    const head = '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c48900000fa049444154';
    const png = Buffer.concat([Buffer.from(head, 'hex'), randomBytes(4004)]);
    const digest = { sha256: sha256(png), sizeBytes: png.length };
    expect((await caller.put(png, { displayName: 'picture' })).mediaType).toBe('image/png');
    const again = await caller.createUpload({ displayName: 'again', expectedDigest: digest });
    expect(again.file?.mediaType).toBe('image/png');
    const lie = caller.createUpload({
      file: { displayName: 'x', mediaType: 'application/pdf' },
      expectedDigest: digest,
      requestId: 'lie',
    });
    await expect(lie).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'TYPE_MISMATCH' });
    const { uploads } = await caller.call('ListUploads', { parent: caller.parent });
    expect(uploads.map((each) => each.state)).toEqual(['COMPLETED', 'COMPLETED']);
  });
});

describe('a read', () => {
  const bytes = randomBytes(3 * MIB + 100_001);

  it('of any range, by name or digest, in chunks of any size, gives those bytes and their CRC', async () => {
    const caller = server.client();
    const file = await caller.put(bytes);
    const near = fc.constantFrom(0, 64 * KIB, MIB, 2 * MIB, 3 * MIB, bytes.length);
    const offset = fc.oneof(
      fc.tuple(near, fc.integer({ min: -3, max: 3 })).map(([at, by]) => at + by),
      fc.integer({ min: -bytes.length - 5, max: bytes.length }),
    );
    const limit = fc.oneof(
      fc.constant(0),
      fc.integer({ min: 1, max: 300_000 }),
      fc.integer({ min: 1, max: 4 * MIB }),
    );
    const chunk = fc.constantFrom(0, 1, 64 * KIB, 100_000, MIB, 8 * MIB);
    await fc.assert(
      fc.asyncProperty(
        offset,
        limit,
        chunk,
        fc.boolean(),
        async (at, most, preferredChunkBytes, byDigest) => {
          fc.pre(at <= bytes.length);
          const target = byDigest
            ? { digest: { sha256: sha256(bytes) }, parent: caller.parent }
            : { file: file.name };
          const { header, content, trailer } = await caller.read({
            ...target,
            offset: at,
            limit: most,
            preferredChunkBytes,
          });
          const tail = bytes.subarray(at < 0 ? Math.max(bytes.length + at, 0) : at);
          const expected = most === 0 ? tail : tail.subarray(0, most);
          expect(content.length).toBe(expected.length);
          expect(content.equals(expected)).toBe(true);
          expect(header.range).toEqual({ offset: bytes.length - tail.length, length: expected.length });
          expect(header.totalSize).toBe(bytes.length);
          expect(trailer.rangeCrc32c).toBe(crc32c(expected));
          expect(trailer.bytesSent).toBe(expected.length);
          expect(trailer.digest?.sha256).toBe(sha256(bytes));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('that begins at the end is empty and well, beyond it is refused with the size', async () => {
    const caller = server.client();
    const file = await caller.put(bytes.subarray(0, 1000));
    expect((await caller.read({ file: file.name, offset: 1000 })).content).toHaveLength(0);
    await expect(caller.read({ file: file.name, offset: 1001 })).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
      reason: 'RANGE_NOT_SATISFIABLE',
      metadata: { size: '1000' },
    });
  });

  it('holds to the etag that it is given', async () => {
    const caller = server.client();
    const file = await caller.put(bytes.subarray(0, 1000));
    expect((await caller.read({ file: file.name, ifEtagMatch: file.etag })).content).toHaveLength(1000);
    for (const condition of [{ ifEtagMatch: 'other' }, { ifEtagNotMatch: file.etag }]) {
      await expect(caller.read({ file: file.name, ...condition })).rejects.toMatchObject({
        code: 'ABORTED',
        reason: 'ETAG_MISMATCH',
        metadata: { etag: file.etag },
      });
    }
  });

  it('goes on to the end of the content that it began with, while the file is replaced', async () => {
    const caller = server.client();
    const fileId = 'replaced';
    const file = await caller.put(bytes, { fileId });
    const call = caller.channel.readFile({ file: file.name, preferredChunkBytes: 64 * KIB });
    const pieces: Buffer[] = [];
    let replaced = false;
    for await (const message of call as AsyncIterable<{
      data?: { chunk?: { content: Buffer } | null } | null;
    }>) {
      if (message.data?.chunk) pieces.push(message.data.chunk.content);
      if (!replaced) await caller.put(randomBytes(5000), { fileId });
      replaced = true;
    }
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    expect((await caller.read({ file: file.name })).content).toHaveLength(5000);
  });

  it('counts, and says when it was', async () => {
    const caller = server.client();
    const file = await caller.put(bytes.subarray(0, 1000));
    await Promise.all(Array.from({ length: 5 }, () => caller.read({ file: file.name })));
    await expect
      .poll(async () => (await caller.call('GetFile', { name: file.name })).accessCount, { timeout: 5000 })
      .toBe(5);
    expect((await caller.call('GetFile', { name: file.name })).accessTime).not.toBeNull();
  });
});

describe('a request id', () => {
  it('makes one upload, however often it is sent, and is refused for another', async () => {
    const caller = server.client();
    const requestId = randomUUID();
    const uploads = await Promise.all(
      Array.from({ length: 5 }, () => caller.createUpload({ requestId, totalSize: 10 })),
    );
    expect(new Set(uploads.map((upload) => upload.name)).size).toBe(1);
    await expect(caller.createUpload({ requestId, totalSize: 11 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'FIELD_INVALID',
      violations: [{ field: 'request_id' }],
    });
  });

  it('makes one copy, one deletion and one batch, each with the first answer again', async () => {
    const caller = server.client();
    const file = await caller.put(randomBytes(100));
    const { parent } = caller;
    const copy = { name: file.name, parent, requestId: randomUUID() };
    const copies = await Promise.all(Array.from({ length: 4 }, () => caller.call('CopyFile', copy)));
    expect(new Set(copies.map(({ name }) => name)).size).toBe(1);
    await expect(caller.call('CopyFile', { ...copy, fileId: 'other' })).rejects.toMatchObject({
      violations: [{ field: 'request_id' }],
    });
    const items = [{ file: { displayName: 'b' }, chunk: { content: Buffer.from('batch') } }];
    const batch = { parent, items, requestId: randomUUID() };
    const batches = await Promise.all(
      Array.from({ length: 3 }, () => caller.call('BatchUploadFiles', batch)),
    );
    expect(new Set(batches.map((each) => each.items[0]?.file?.name)).size).toBe(1);
    const deletion = { name: file.name, requestId: randomUUID() };
    const deleted = await caller.call('DeleteFile', deletion);
    expect(await caller.call('DeleteFile', deletion)).toEqual(deleted);
    await expect(caller.call('DeleteFile', { name: file.name })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await caller.call('ListFiles', { parent })).files).toHaveLength(2);
  });
});

describe('a batch', () => {
  it('of uploads says of each how it went; of reads too', async () => {
    const caller = server.client();
    const content = randomBytes(5000);
    const answer = await caller.call('BatchUploadFiles', {
      parent: caller.parent,
      items: [
        { file: { displayName: 'good' }, chunk: { content, crc32c: crc32c(content) } },
        { file: { displayName: 'bad' }, chunk: { content, crc32c: 1 } },
        { file: { displayName: '../up' }, chunk: { content } },
        { file: { displayName: 'other' }, chunk: { content }, expectedDigest: { sha256: '0'.repeat(64) } },
        { file: { displayName: 'empty' } },
      ],
    });
    expect(answer.items.map((item) => item.status?.code ?? 'OK')).toEqual(['OK', 3, 3, 3, 'OK']);
    const [good, , , , empty] = answer.items.map((item) => item.file?.name ?? '');
    const stranger = `tenants/${newTenant()}/files/x`;
    const names = [good ?? '', `${caller.parent}/files/none`, empty ?? ''];
    const read = await caller.call('BatchReadFiles', { parent: caller.parent, names });
    expect(read.items.map((item) => item.status?.code ?? item.chunk?.content.length)).toEqual([5000, 5, 0]);
    expect(read.items[0]?.chunk?.crc32c).toBe(crc32c(content));
    await expect(
      caller.call('BatchReadFiles', { parent: caller.parent, names: [stranger] }),
    ).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  });

  it('of gets or deletions is done wholly or not at all', async () => {
    const caller = server.client();
    const files = await Promise.all(
      ['a', 'b', 'c'].map((displayName) => caller.put(randomBytes(10), { displayName })),
    );
    const names = files.map(({ name }) => name).toReversed();
    const got = await caller.call('BatchGetFiles', { parent: caller.parent, names });
    expect(got.files.map(({ name }) => name)).toEqual(names);
    const withMissing = [...names, `${caller.parent}/files/none`];
    for (const method of ['BatchGetFiles', 'BatchDeleteFiles'] as const) {
      await expect(caller.call(method, { parent: caller.parent, names: withMissing })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        metadata: { name: `${caller.parent}/files/none` },
      });
    }
    expect((await caller.call('ListFiles', { parent: caller.parent })).files).toHaveLength(3);
    await caller.call('BatchDeleteFiles', { parent: caller.parent, names });
    expect((await caller.call('ListFiles', { parent: caller.parent })).files).toHaveLength(0);
  });

  it('of reads that does not fit into one message says which do not', async () => {
    const caller = server.client();
    const big = await Promise.all(
      [0, 1, 2].map((index) => caller.put(randomBytes(1.5 * MIB), { displayName: `${index}` })),
    );
    const read = await caller.call('BatchReadFiles', {
      parent: caller.parent,
      names: big.map(({ name }) => name),
    });
    expect(read.items.map((item) => item.status?.code ?? 'OK').toSorted()).toEqual([8, 'OK', 'OK']);
  });
});
