import { randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { Client, credentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { ContractClient, expectContent } from '../support/contract-client.ts';
import { runningServer } from '../support/running-server.ts';
import { newTenant } from '../support/server.ts';
import { until } from '../support/until.ts';

const MIB = 2 ** 20;
const server = runningServer({ LONGSHORE_DRAIN_TIMEOUT: '1500ms', LONGSHORE_UPLOAD_IDLE_TIMEOUT: '30s' });

function canConnect(address: string): Promise<boolean> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connectTcp(Number(port), host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

describe('a server that is asked to stop', () => {
  it('lets calls under way end, takes no new ones, and ends by itself', async () => {
    const tenant = newTenant();
    const client = server.client(tenant);
    const bytes = randomBytes(3 * MIB);
    const upload = await client.createUpload({ totalSize: bytes.length });
    const writer = client.write().start(upload.name);
    await writer.chunk(0, bytes.subarray(0, MIB));
    await writer.flush(MIB);
    const { address, ended } = server.process;
    server.process.signal('SIGTERM');
    await until(async () => !(await canConnect(address)));
    const late = new ContractClient(address, tenant);
    await expect(late.call('ListFiles', { parent: late.parent })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    late.close();
    await writer.chunk(MIB, bytes.subarray(MIB));
    const file = await writer.finish();
    expect(await ended).toEqual({ code: 0, signal: null });
    await server.start();
    await expectContent(server.client(tenant), file.name, bytes);
  });

  it('cuts what does not end in time with DRAINING, keeps what was acknowledged, and ends', async () => {
    const tenant = newTenant();
    const client = server.client(tenant);
    const bytes = randomBytes(3 * MIB);
    const upload = await client.createUpload({ totalSize: bytes.length });
    const writer = client.write().start(upload.name);
    await writer.chunk(0, bytes.subarray(0, MIB));
    await writer.flush(MIB);
    const file = await client.put(randomBytes(60 * MIB), { displayName: 'long' });
    const read = client.channel.readFile({ file: file.name });
    const cut = new Promise<unknown>((resolve) => read.once('error', resolve));
    // Begun, and then not read on.
    await new Promise((resolve) => read.once('readable', resolve));
    const stopped = server.process.stop();
    await expect(writer.ended).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'DRAINING',
      retryAfterMs: expect.any(Number),
    });
    read.resume();
    expect(await cut).toMatchObject({ code: 14 });
    expect(await stopped).toEqual({ code: 0, signal: null });
    await server.start();
    const after = server.client(tenant);
    const { persistedSize } = await after.call('GetUpload', { name: upload.name });
    expect(persistedSize).toBe(MIB);
    await expectContent(after, (await after.sendRest(upload.name, bytes, persistedSize)).name, bytes);
  });

  it('ends though a client neither reads on nor goes away', async () => {
    const client = server.client();
    const file = await client.put(randomBytes(60 * MIB));
    const read = client.channel.readFile({ file: file.name });
    read.on('error', () => undefined);
    await new Promise((resolve) => read.once('readable', resolve));
    const begin = performance.now();
    expect(await server.process.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - begin).toBeLessThan(6000);
    await server.start();
  });

  it('does not wait for connections on which nothing happens, nor for streams that ended badly', async () => {
    const client = server.client();
    await client.call('ListFiles', { parent: client.parent });
    const writer = client.write().start('tenants/x/uploads/none');
    await writer.send({ flush: true });
    await expect(writer.ended).rejects.toMatchObject({ reason: 'UPLOAD_NOT_FOUND' });
    const idle = client.write();
    await idle.send({});
    await expect(idle.ended).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
    const begin = performance.now();
    expect(await server.process.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - begin).toBeLessThan(1400);
    await server.start();
  });
});

describe('a server whose health is watched', () => {
  it('tells the watcher that it stops, and does not wait for it', async () => {
    await server.process.stop();
    await server.start({ LONGSHORE_DRAIN_TIMEOUT: '20s' });
    const watcher = new Client(server.process.address, credentials.createInsecure());
    const bytes = (value: Buffer) => value;
    const path = '/grpc.health.v1.Health/Watch';
    const watch = watcher.makeServerStreamRequest(path, bytes, bytes, Buffer.alloc(0));
    const states: number[] = [];
    watch.on('data', (response: Buffer) => states.push(response[1] ?? 0)).on('error', () => undefined);
    await until(() => states.length > 0);
    const begin = performance.now();
    expect(await server.process.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - begin).toBeLessThan(5000);
    // SERVING, then NOT_SERVING.
    expect(states).toEqual([1, 2]);
    watcher.close();
    await server.start();
  });
});

describe('a deadline', () => {
  it('ends a call that would wait longer, and says so', async () => {
    const client = server.client();
    const file = await client.put(randomBytes(1000));
    const operation = await client.call('VerifyFile', { name: file.name });
    await client.call('WaitOperation', { name: operation.name });
    await server.database.postgres.query('update operations set done = false, result = null');
    const hasty = new ContractClient(server.process.address, client.tenant, { timeoutMs: 400 });
    const wait = { name: operation.name, timeout: { seconds: 60, nanos: 0 } };
    const begin = performance.now();
    await expect(hasty.call('WaitOperation', wait)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(performance.now() - begin).toBeLessThan(2000);
    hasty.close();
    await until(async () => {
      const metrics = await (await fetch(`http://${server.process.httpAddress}/metrics`)).text();
      return /grpc\S*in_flight\S*WaitOperation\S* 0/.test(metrics);
    });
  });
});
