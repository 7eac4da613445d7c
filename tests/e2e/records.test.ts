import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FileInput, FileMessage, OperationMessage } from '../../src/client/messages.ts';
import { decode } from '../../src/grpc/protos.ts';
import { expectContent, type ContractClient } from '../support/contract-client.ts';
import { runningServer } from '../support/running-server.ts';
import { filesBelow, until } from '../support/until.ts';

const server = runningServer({ LONGSHORE_DELETE_GRACE: '1h', LONGSHORE_SWEEP_INTERVAL: '200ms' });

async function fill(caller: ContractClient, count: number): Promise<FileMessage[]> {
  const items = Array.from({ length: count }, (_, index) => ({
    file: {
      displayName: `file-${String(index).padStart(3, '0')}.txt`,
      labels: { parity: index % 2 === 0 ? 'even' : 'odd' },
    },
    fileId: `f${index}`,
    chunk: { content: Buffer.alloc(index * 10, 'x') },
  }));
  const { items: made } = await caller.call('BatchUploadFiles', { parent: caller.parent, items });
  return made.map(({ file, status }) => {
    if (!file) throw new Error(`one of the batch failed: ${status?.message}`);
    return file;
  });
}

async function listed(
  caller: ContractClient,
  request: { filter?: string; orderBy?: string; showDeleted?: boolean; pageSize?: number } = {},
  between: (page: number) => Promise<void> = async () => undefined,
): Promise<string[]> {
  const names: string[] = [];
  let pageToken = '';
  for (let page = 0; ; page += 1) {
    const answer = await caller.call('ListFiles', { parent: caller.parent, ...request, pageToken });
    names.push(...answer.files.map(({ name }) => name.split('/').at(-1) ?? ''));
    pageToken = answer.nextPageToken;
    if (pageToken === '') return names;
    await between(page);
  }
}

async function done(caller: ContractClient, operation: OperationMessage): Promise<OperationMessage> {
  return caller.call('WaitOperation', { name: operation.name, timeout: { seconds: 10, nanos: 0 } });
}

describe('a list', () => {
  it('holds what its filter picks, in the order asked for, over pages of any size', async () => {
    const caller = server.client();
    await fill(caller, 25);
    const even = Array.from({ length: 13 }, (_, index) => `f${index * 2}`);
    const filter = 'labels.parity = "even"';
    for (const pageSize of [1, 4, 13, 1000]) {
      expect(await listed(caller, { filter, orderBy: 'display_name', pageSize })).toEqual(even);
    }
    expect(
      await listed(caller, {
        filter: 'size_bytes > 200 AND labels.parity = "odd"',
        orderBy: 'size_bytes desc',
      }),
    ).toEqual(['f23', 'f21']);
    expect(
      await listed(caller, {
        filter: 'display_name : "-01" OR display_name = "file-000.txt"',
        orderBy: 'size_bytes',
      }),
    ).toHaveLength(11);
    expect(
      (await caller.call('ListFiles', { parent: caller.parent, pageSize: 1_000_000 })).files,
    ).toHaveLength(25);
  });

  it('shows each file that was there all the time exactly once, while others come and go', async () => {
    const caller = server.client();
    await fill(caller, 20);
    let made = 0;
    const names = await listed(caller, { orderBy: 'display_name', pageSize: 3 }, async (page) => {
      await caller.put(randomBytes(10), { displayName: `file-00${page}.new`, fileId: `new${(made += 1)}` });
      if (page === 1) await caller.call('DeleteFile', { name: `${caller.parent}/files/f19` });
    });
    const old = names.filter((name) => name.startsWith('f'));
    expect(old).toEqual(Array.from({ length: 19 }, (_, index) => `f${index}`));
  });

  it('goes on only with its own token, and says so otherwise', async () => {
    const caller = server.client();
    const other = server.client();
    await fill(caller, 5);
    const { parent } = caller;
    const { nextPageToken: pageToken } = await caller.call('ListFiles', { parent, pageSize: 2 });
    expect((await caller.call('ListFiles', { parent, pageSize: 3, pageToken })).files).toHaveLength(3);
    for (const request of [
      { parent, pageToken, filter: 'size_bytes > 1' },
      { parent, pageToken, orderBy: 'size_bytes' },
      { parent, pageToken, showDeleted: true },
      { parent: other.parent, pageToken },
      { parent, pageToken: `${pageToken.slice(0, -1)}A` },
      { parent, pageToken: 'x' },
    ]) {
      await expect(caller.call('ListFiles', request)).rejects.toMatchObject({
        reason: 'FIELD_INVALID',
        violations: [{ field: 'page_token' }],
      });
    }
  });

  it('of uploads goes on though the file of one has been purged', async () => {
    const caller = server.client();
    const upload = await caller.createUpload({});
    const file = await caller.sendRest(upload.name, randomBytes(10), 0);
    await server.database.postgres.query('delete from files where file_id = $1', [
      file.name.split('/').at(-1),
    ]);
    const { uploads } = await caller.call('ListUploads', { parent: caller.parent });
    expect(uploads).toMatchObject([{ name: upload.name, state: 'COMPLETED' }]);
    expect(await caller.call('GetUpload', { name: upload.name })).toMatchObject({ state: 'COMPLETED' });
  });
});

describe('a deleted file', () => {
  it('is neither read nor listed, comes back when asked for, and only once', async () => {
    const caller = server.client();
    const bytes = randomBytes(5000);
    const file = await caller.put(bytes);
    const deleted = await caller.call('DeleteFile', { name: file.name, etag: file.etag });
    expect(deleted).toMatchObject({ state: 'DELETED' });
    expect(deleted.purgeTime?.seconds).toBeGreaterThan(deleted.deleteTime?.seconds ?? Infinity);
    await expect(caller.read({ file: file.name })).rejects.toMatchObject({ reason: 'FILE_NOT_FOUND' });
    await expect(caller.read({ digest: file.digest, parent: caller.parent })).rejects.toMatchObject({
      reason: 'FILE_NOT_FOUND',
    });
    expect(await listed(caller)).toEqual([]);
    expect(await listed(caller, { showDeleted: true })).toHaveLength(1);
    await expect(caller.call('DeleteFile', { name: file.name })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await caller.call('DeleteFile', { name: file.name, allowMissing: true });
    const back = await caller.call('UndeleteFile', { name: file.name });
    expect(back).toMatchObject({ state: 'ACTIVE', deleteTime: null, purgeTime: null });
    await expectContent(caller, file.name, bytes);
  });

  it('is purged when its time has come, and its bytes with the last file that has them', async () => {
    const caller = server.client();
    const bytes = randomBytes(5000);
    const file = await caller.put(bytes);
    const copy = await caller.call('CopyFile', { name: file.name, parent: caller.parent, fileId: 'copy' });
    const sha256 = file.digest?.sha256 ?? '';
    const onDisk = async () =>
      (await filesBelow(join(server.dataFolder, 'blobs'))).filter((path) => path.includes(sha256)).length;
    const purge = async (name: string): Promise<void> => {
      await caller.call('DeleteFile', { name });
      // Time passes: the grace of an hour, and the ten minutes that content without a file is left.
      await server.database.postgres.query(
        `update files set purge_time = now() - interval '1 second' where state = 'deleted'`,
      );
      await server.database.postgres.query(`update blobs set create_time = now() - interval '1 hour'`);
      await until(
        async () => !(await listed(caller, { showDeleted: true })).includes(name.split('/').at(-1) ?? ''),
      );
    };
    await purge(file.name);
    await expect(caller.call('UndeleteFile', { name: file.name })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expectContent(caller, copy.name, bytes);
    expect(await onDisk()).toBe(2);
    await purge(copy.name);
    await until(async () => (await onDisk()) === 0);
    const again = await caller.put(bytes);
    await expectContent(caller, again.name, bytes);
  });

  it('that expires goes by itself, and an upload too, with what it had sent', async () => {
    const caller = server.client();
    const soon = { seconds: Math.floor(Date.now() / 1000) + 2, nanos: 0 };
    const file = await caller.put(randomBytes(10), { file: { displayName: 'short', expireTime: soon } });
    const upload = await caller.createUpload({ ttl: { seconds: 1, nanos: 0 } });
    const writer = caller.write().start(upload.name);
    await writer.chunk(0, randomBytes(1000));
    await writer.flush(1000);
    await expect(writer.ended).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'UPLOAD_EXPIRED',
    });
    expect(await caller.call('GetUpload', { name: upload.name })).toMatchObject({ state: 'EXPIRED' });
    await expect(caller.sendRest(upload.name, randomBytes(10), 0)).rejects.toMatchObject({
      reason: 'UPLOAD_EXPIRED',
      metadata: { time: expect.stringMatching(/^20\d\d-/) },
    });
    await until(async () => (await caller.call('GetFile', { name: file.name })).state === 'DELETED');
    const id = upload.name.split('/').at(-1) ?? '';
    await until(
      async () => !(await filesBelow(join(server.dataFolder, 'uploads'))).some((path) => path.startsWith(id)),
    );
  });
});

describe('a copy', () => {
  it('is a file of its own over the same content', async () => {
    const caller = server.client();
    const bytes = randomBytes(1000);
    const file = await caller.put(bytes, { file: { displayName: 'a', labels: { x: 'y' } } });
    const copy = await caller.call('CopyFile', { name: file.name, parent: caller.parent, fileId: 'b' });
    expect(copy).toMatchObject({ name: `${caller.parent}/files/b`, digest: file.digest, labels: { x: 'y' } });
    await caller.call('DeleteFile', { name: file.name });
    await expectContent(caller, copy.name, bytes);
    await expect(
      caller.call('CopyFile', { name: copy.name, parent: caller.parent, fileId: 'b' }),
    ).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});

describe('an update', () => {
  it('changes what its mask names and nothing else', async () => {
    const caller = server.client();
    const file = await caller.put(randomBytes(10), { file: { displayName: 'a', labels: { x: 'y' } } });
    const changed = await caller.call('UpdateFile', {
      file: { name: file.name, displayName: 'b', labels: {} },
      updateMask: { paths: ['display_name'] },
    });
    expect(changed).toMatchObject({ displayName: 'b', labels: { x: 'y' }, mediaType: file.mediaType });
    expect(changed.etag).not.toBe(file.etag);
    const bare = await caller.call('UpdateFile', {
      file: { name: file.name, etag: changed.etag },
      updateMask: { paths: ['labels'] },
    });
    expect(bare).toMatchObject({ displayName: 'b', labels: {} });
    const set = await caller.call('UpdateFile', { file: { name: file.name, labels: { z: '1' } } });
    expect(set).toMatchObject({ displayName: 'b', labels: { z: '1' } });
    await expect(
      caller.call('UpdateFile', { file: { name: file.name, displayName: 'c', etag: file.etag } }),
    ).rejects.toMatchObject({ code: 'ABORTED', reason: 'ETAG_MISMATCH', metadata: { etag: set.etag } });
    for (const path of ['digest', 'state', '__proto__', 'constructor', 'labels.z', '']) {
      await expect(
        caller.call('UpdateFile', { file: { name: file.name }, updateMask: { paths: [path] } }),
      ).rejects.toMatchObject({ reason: 'FIELD_INVALID', violations: [{ field: 'update_mask' }] });
    }
  });
});

describe('a batch', () => {
  it('with more content than one may hold is refused as a whole', async () => {
    const caller = server.client();
    const items = Array.from({ length: 3 }, () => ({ chunk: { content: Buffer.alloc(1300 * 1024) } }));
    await expect(caller.call('BatchUploadFiles', { parent: caller.parent, items })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'items' }],
    });
    expect(await listed(caller)).toEqual([]);
  });
});

describe('a new name or type', () => {
  it('is held against what is taken here and against the content, as when the file was made', async () => {
    const caller = server.client();
    const { name } = await caller.put(Buffer.from('plain text, whatever it is called'), {
      displayName: 'a.txt',
    });
    const update = (file: FileInput) => caller.call('UpdateFile', { file: { name, ...file } });
    await expect(update({ displayName: 'a.bat' })).rejects.toMatchObject({ reason: 'TYPE_BLOCKED' });
    await expect(update({ mediaType: 'application/x-msdownload' })).rejects.toMatchObject({
      reason: 'TYPE_BLOCKED',
    });
    await expect(update({ mediaType: 'image/png' })).rejects.toMatchObject({
      reason: 'TYPE_MISMATCH',
      metadata: { declared: 'image/png' },
    });
    expect(await update({ displayName: 'a.md', mediaType: 'text/markdown' })).toMatchObject({
      displayName: 'a.md',
      mediaType: 'text/markdown',
    });
  });
});

describe('a verification', () => {
  it('of good content succeeds, is listed, and can be waited for and forgotten', async () => {
    const caller = server.client();
    const file = await caller.put(randomBytes(3_000_000));
    const operation = await caller.call('VerifyFile', { name: file.name });
    expect(decode('longshore.v1.VerifyFileMetadata', operation.metadata?.value as Buffer)).toMatchObject({
      file: file.name,
      digest: file.digest,
    });
    const ended = await done(caller, operation);
    expect(ended).toMatchObject({ done: true, result: 'response' });
    expect(ended.response?.type_url).toBe('type.googleapis.com/longshore.v1.VerifyFileResponse');
    const { operations } = await caller.call('ListOperations', { name: `${caller.parent}/operations` });
    expect(operations.map(({ name }) => name)).toEqual([operation.name]);
    await server.database.postgres.query('delete from files where file_id = $1', [
      file.name.split('/').at(-1),
    ]);
    expect(await caller.call('GetOperation', { name: operation.name })).toMatchObject({ done: true });
    await caller.call('DeleteOperation', { name: operation.name });
    await expect(caller.call('GetOperation', { name: operation.name })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('a list of files with much metadata', () => {
  it('comes in pages that fit into a message, each file once', async () => {
    const caller = server.client();
    // Numbers are several times as long in a message as they are as JSON.
    const values = Array.from({ length: 5000 }, () => ({ numberValue: 1 }));
    const metadata = { fields: { a: { listValue: { values } } } };
    for (let batch = 0; batch < 3; batch += 1) {
      const items = Array.from({ length: 40 }, (_, index) => ({
        file: { metadata },
        fileId: `f${batch * 40 + index}`,
        chunk: { content: Buffer.from('x') },
      }));
      await caller.call('BatchUploadFiles', { parent: caller.parent, items });
    }
    const names = await listed(caller, { orderBy: 'display_name', pageSize: 1000 });
    expect(names).toHaveLength(120);
    expect(new Set(names).size).toBe(120);
  });
});

describe('long lists of uploads and operations', () => {
  it('leave the database to others, however many are asked for at once', async () => {
    const caller = server.client();
    const file = await caller.put(randomBytes(10));
    const id = file.name.split('/').at(-1);
    await server.database.postgres.query(
      `insert into uploads (tenant_id, upload_id, file_id, file, state, expire_time)
       select $1, 'u' || i, $2, (select file from uploads where tenant_id = $1), 'completed', now() + interval '1 day'
       from generate_series(1, 1000) i`,
      [caller.tenant, id],
    );
    await server.database.postgres.query(
      `insert into operations (tenant_id, operation_id, kind, input, result, done)
       select $1, 'o' || i, 'verify-file', json_build_object('fileId', $2::text, 'sha256', '', 'sizeBytes', 0), '{}', true
       from generate_series(1, 1000) i`,
      [caller.tenant, id],
    );
    const lists = await Promise.all(
      [1, 2, 3].flatMap(() => [
        caller.call('ListUploads', { parent: caller.parent, pageSize: 1000 }),
        caller.call('ListOperations', { name: `${caller.parent}/operations`, pageSize: 1000 }),
      ]),
    );
    for (const list of lists) {
      expect('uploads' in list ? list.uploads : list.operations).toHaveLength(1000);
    }
  });
});
