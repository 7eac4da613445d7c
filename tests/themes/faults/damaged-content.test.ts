import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FileMessage } from '../../../src/client/messages.ts';
import { LongshoreClientError } from '../../../src/client/client-error.ts';
import { fromStatus } from '../../../src/client/error-details.ts';
import { expectContent, type ContractClient } from '../../support/contract-client.ts';
import { runningServer } from '../../support/running-server.ts';
import { filesBelow } from '../../support/until.ts';

const MIB = 2 ** 20;
const server = runningServer();

function pathOf({ digest }: FileMessage, folder = 'blobs'): string {
  const sha256 = digest?.sha256 ?? '';
  return join(server.dataFolder, folder, sha256.slice(0, 2), sha256);
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte.writeUInt8(byte.readUInt8() ^ 0x10);
    await file.write(byte, 0, 1, at);
  } finally {
    await file.close();
  }
}

async function stateOf(client: ContractClient, name: string): Promise<string> {
  return (await client.call('GetFile', { name })).state;
}

async function verify(client: ContractClient, name: string): Promise<LongshoreClientError | null> {
  const { name: operation } = await client.call('VerifyFile', { name });
  const ended = await client.call('WaitOperation', { name: operation, timeout: { seconds: 10, nanos: 0 } });
  expect(ended.done).toBe(true);
  return ended.error ? fromStatus(ended.error) : null;
}

describe('content that was flipped on the disk', () => {
  it('is found by a read, named by its chunk, set aside for every file, and repaired by sending it again', async () => {
    const client = server.client();
    const bytes = randomBytes(3 * MIB + 5);
    const file = await client.put(bytes, { fileId: 'one' });
    const copy = await client.call('CopyFile', { name: file.name, parent: client.parent, fileId: 'two' });
    await expectContent(client, file.name, bytes);
    await flip(pathOf(file), 2 * MIB + 77);

    const received: Buffer[] = [];
    const call = client.channel.readFile({ file: file.name });
    await expect(async () => {
      for await (const { data } of call as AsyncIterable<{
        data?: { chunk?: { content: Buffer } | null } | null;
      }>) {
        if (data?.chunk) received.push(data.chunk.content);
      }
    }).rejects.toMatchObject({ code: 15 });
    const served = Buffer.concat(received);
    expect(served.length).toBeLessThanOrEqual(2 * MIB);
    expect(served.equals(bytes.subarray(0, served.length))).toBe(true);

    const corrupt = {
      code: 'DATA_LOSS',
      reason: 'BLOB_CORRUPT',
      metadata: { digest: file.digest?.sha256, chunk: '2' },
    };
    for (const { name } of [file, copy]) {
      expect(await stateOf(client, name)).toBe('QUARANTINED');
      await expect(client.read({ file: name })).rejects.toMatchObject(corrupt);
      // Also the part that is not damaged.
      await expect(client.read({ file: name, limit: 10 })).rejects.toMatchObject(corrupt);
    }
    const { items } = await client.call('BatchReadFiles', { parent: client.parent, names: [file.name] });
    expect(items[0]?.status && fromStatus(items[0].status)).toMatchObject(corrupt);
    await expect(client.read({ digest: file.digest, parent: client.parent })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const { missing } = await client.call('FindMissingBlobs', {
      parent: client.parent,
      digests: [file.digest ?? {}],
    });
    expect(missing).toHaveLength(1);
    expect(existsSync(pathOf(file))).toBe(false);
    expect(existsSync(pathOf(file, 'quarantine'))).toBe(true);
    expect(await verify(client, file.name)).toMatchObject(corrupt);

    await client.put(bytes, { fileId: 'three', expectedDigest: file.digest });
    for (const { name } of [file, copy]) {
      expect(await stateOf(client, name)).toBe('ACTIVE');
      await expectContent(client, name, bytes);
    }
    expect(await verify(client, file.name)).toBeNull();
  });

  it('is found by a verification, every bad chunk named', async () => {
    const client = server.client();
    const file = await client.put(randomBytes(5 * MIB));
    for (const chunk of [1, 4]) await flip(pathOf(file), chunk * MIB + 3);
    const error = await verify(client, file.name);
    expect(error).toMatchObject({ code: 'DATA_LOSS', reason: 'BLOB_CORRUPT', metadata: { chunk: '1,4' } });
    expect(await stateOf(client, file.name)).toBe('QUARANTINED');
    await expect(client.read({ file: file.name })).rejects.toMatchObject({ metadata: { chunk: '1,4' } });
  });

  it('is set aside once when many read it at once, and a good copy sent meanwhile is not', async () => {
    const client = server.client();
    const bytes = randomBytes(3 * MIB);
    const file = await client.put(bytes);
    await expectContent(client, file.name, bytes);
    await flip(pathOf(file), 100);
    const reads = Array.from({ length: 20 }, () =>
      client.read({ file: file.name }).then(
        () => 'served',
        (error: unknown) => (error instanceof LongshoreClientError ? error.reason : String(error)),
      ),
    );
    const repairs = Array.from({ length: 3 }, (_, index) =>
      client.put(bytes, { displayName: `again${index}` }),
    );
    const outcomes = await Promise.all(reads);
    await Promise.all(repairs);
    for (const outcome of outcomes) expect(['BLOB_CORRUPT', 'STORAGE_FAILED', 'served']).toContain(outcome);
    // One of the repairs may have come before the damage was found: it is sent once more, as its owner is told to.
    if ((await stateOf(client, file.name)) !== 'ACTIVE') await client.put(bytes, { displayName: 'last' });
    await expectContent(client, file.name, bytes);
  });
});

describe('content that is not whole any more', () => {
  const harms: Record<string, (path: string) => Promise<void>> = {
    'was cut short': (path) => truncate(path, MIB),
    'was made longer': (path) => truncate(path, 3 * MIB),
    'is gone': (path) => rm(path),
    'lost its manifest': (path) => rm(`${path}.manifest`),
    'has a manifest that is damaged': (path) => flip(`${path}.manifest`, 60),
    'has a manifest that is empty': (path) => truncate(`${path}.manifest`, 0),
  };
  for (const [harm, act] of Object.entries(harms)) {
    it(`since it ${harm} is not served, and is repaired by sending it again`, async () => {
      const client = server.client();
      const bytes = randomBytes(2 * MIB + 5);
      const file = await client.put(bytes);
      await act(pathOf(file));
      const corrupt = {
        code: 'DATA_LOSS',
        reason: 'BLOB_CORRUPT',
        metadata: { chunk: expect.stringMatching(/^\d+$/) },
      };
      await expect(client.read({ file: file.name })).rejects.toMatchObject(corrupt);
      expect(await stateOf(client, file.name)).toBe('QUARANTINED');
      expect(await verify(client, file.name)).toMatchObject(corrupt);
      await client.put(bytes, { displayName: 'again', expectedDigest: file.digest });
      expect(await stateOf(client, file.name)).toBe('ACTIVE');
      await expectContent(client, file.name, bytes);
    });

    it(`since it ${harm} is found when the same is sent again, before anybody read it`, async () => {
      const client = server.client();
      const bytes = randomBytes(2 * MIB + 5);
      const file = await client.put(bytes);
      await act(pathOf(file));
      await client.put(bytes, { displayName: 'again', expectedDigest: file.digest });
      await expectContent(client, file.name, bytes);
      await client.call('BatchGetFiles', { parent: client.parent, names: [file.name] });
      const copies = (await filesBelow(join(server.dataFolder, 'blobs'))).filter((path) =>
        path.includes(file.digest?.sha256 ?? ''),
      );
      expect(copies).toHaveLength(2);
    });
  }
});

describe('the scrub', () => {
  it('finds damage that nobody has read', { timeout: 30_000 }, async () => {
    const before = server.client();
    const { tenant } = before;
    const file = await before.put(randomBytes(2 * MIB));
    await flip(pathOf(file), MIB + 1);
    await server.process.stop();
    await server.start({ LONGSHORE_SCRUB_INTERVAL: '500ms' });
    const client = server.client(tenant);
    await expect.poll(() => stateOf(client, file.name), { timeout: 20_000 }).toBe('QUARANTINED');
    await expect(client.read({ file: file.name })).rejects.toMatchObject({ metadata: { chunk: '1' } });
  });
});
