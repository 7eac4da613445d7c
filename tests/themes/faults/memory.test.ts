import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { Client, credentials, type ClientReadableStream } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { ReadFileResponse } from '../../../src/client/messages.ts';
import { method } from '../../../src/client/proto.ts';
import { ContractClient } from '../../support/contract-client.ts';
import { runningServer } from '../../support/running-server.ts';
import { until } from '../../support/until.ts';

const MIB = 2 ** 20;
/** What a server may hold more than the 115 MB (from TypeScript 140) that it holds with nothing to do. */
const GROWTH_MB_MAX = 110;
const SENT_BYTES_MAX = 40 * MIB;
const isMissing =
  process.platform === 'linux' ? null : 'memory of another process is read from /proc, which is Linux';

if (isMissing !== null) process.stderr.write(`NOT RUN: memory of a server: ${isMissing}\n`);

const server = runningServer();
const toClose: (() => void)[] = [];

afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

function rssMb(): number {
  const text = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024;
}

/** Watches for a while; the most that was held. */
async function mostRssMb(ms: number): Promise<number> {
  let most = 0;
  for (const until = performance.now() + ms; performance.now() < until;) {
    most = Math.max(most, rssMb());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return most;
}

/** A server that has done next to nothing: what it holds. */
async function restartedMb(): Promise<number> {
  await server.process.stop();
  await server.start();
  const client = server.client();
  await client.put(randomBytes(MIB));
  return rssMb();
}

describe.skipIf(isMissing !== null)('the memory of a server', () => {
  it(
    'stays small while twenty readers have stalled, and is had again by the next',
    { timeout: 60_000 },
    async () => {
      const writer = server.client();
      const upload = await writer.createUpload({ totalSize: 96 * MIB });
      const piece = randomBytes(2 * MIB);
      const stream = writer.write().start(upload.name);
      for (let at = 0; at < 96 * MIB; at += piece.length) await stream.chunk(at, piece);
      const { name } = await stream.finish();
      // What receiving left behind is not what is measured.
      const idleMb = await restartedMb();
      const { path, serialize, deserialize } = method('ReadFile');
      const begin = async (): Promise<ClientReadableStream<ReadFileResponse>> => {
        const client = new Client(server.process.address, credentials.createInsecure(), {
          'grpc.use_local_subchannel_pool': 1,
        });
        toClose.push(() => client.close());
        const read = client.makeServerStreamRequest(path, serialize, deserialize, { file: name });
        toClose.push(() => read.cancel());
        read.on('error', () => undefined);
        await new Promise((resolve) => read.once('readable', resolve));
        read.read();
        return read;
      };
      const stalled = await Promise.all(Array.from({ length: 20 }, begin));
      expect(await mostRssMb(2000)).toBeLessThan(idleMb + GROWTH_MB_MAX);
      for (const read of stalled) read.cancel();
      for (let round = 0; round < 3; round += 1) {
        const again = await Promise.all(Array.from({ length: 20 }, begin));
        for (const read of again) read.cancel();
      }
      // Frames that a cancelled stream held are not used again: some wait to be collected.
      expect(await mostRssMb(500)).toBeLessThan(idleMb + GROWTH_MB_MAX + 60);
      await until(async () => {
        const metrics = await (await fetch(`http://${server.process.httpAddress}/metrics`)).text();
        return /\bin_flight\S*ReadFile\S* 0\b/.test(metrics.replaceAll('grpc_server_', ''));
      });
    },
  );

  it(
    'stays small while a client uploads and never reads an acknowledgement',
    { timeout: 60_000 },
    async () => {
      const idleMb = await restartedMb();
      const client = server.client();
      const upload = await client.createUpload({});
      const { path, serialize } = method('WriteUpload');
      // Not grpc-js, which reads and keeps what nobody asks it for.
      const session = connectHttp2(`http://${server.process.address}`);
      toClose.push(() => session.destroy());
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.on('error', () => undefined);
      const content = Buffer.alloc(4096, 'x');
      const send = (offset: number): boolean => {
        const named = offset === 0 ? { upload: upload.name } : {};
        const message = serialize({ ...named, offset, chunk: { content }, flush: true });
        const prefix = Buffer.alloc(5);
        prefix.writeUInt32BE(message.length, 1);
        return stream.write(Buffer.concat([prefix, message]));
      };
      // Each message wants an acknowledgement, and nobody reads one: the server has to stop reading.
      let offset = 0;
      let isStuck = false;
      for (; !isStuck && offset < SENT_BYTES_MAX; offset += content.length) {
        if (send(offset)) continue;
        const drained = new Promise<boolean>((resolve) => stream.once('drain', () => resolve(false)));
        const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 3000));
        isStuck = await Promise.race([drained, late]);
      }
      expect(offset).toBeLessThan(SENT_BYTES_MAX);
      expect(await mostRssMb(500)).toBeLessThan(idleMb + GROWTH_MB_MAX);
      // It holds nobody else up, and gives way to a newer writer.
      const other = new ContractClient(server.process.address, client.tenant);
      toClose.push(() => other.close());
      const taker = other.write().start(upload.name);
      const { persistedSize } = await other.call('GetUpload', { name: upload.name });
      expect(persistedSize).toBeGreaterThan(0);
      await taker.chunk(persistedSize, content);
      expect((await taker.flush(persistedSize + content.length)).persistedSize).toBe(
        persistedSize + content.length,
      );
      taker.cancel();
    },
  );

  it('stays small while twenty clients upload at once', { timeout: 60_000 }, async () => {
    const idleMb = await restartedMb();
    const client = server.client();
    const piece = randomBytes(MIB);
    const uploads = Array.from({ length: 20 }, async () => {
      const { name } = await client.createUpload({});
      const writer = client.write().start(name);
      for (let at = 0; at < 10 * MIB; at += piece.length) await writer.chunk(at, piece);
      await writer.flush(10 * MIB);
      writer.cancel();
      await client.call('CancelUpload', { name });
    });
    let most = 0;
    const done = Promise.all(uploads).then(() => true);
    const watch = async (): Promise<boolean> => {
      most = Math.max(most, await mostRssMb(100));
      return false;
    };
    while (!(await Promise.race([done, watch()])));
    // Four chunks of each stream, and what waits to be collected.
    expect(most).toBeLessThan(idleMb + GROWTH_MB_MAX + 20 * 4);
  });
});
