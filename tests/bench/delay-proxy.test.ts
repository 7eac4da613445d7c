import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startDelayProxy } from '../../bench/delay-proxy.ts';
import type { DelayProxy, DelayProxyOptions } from '../../bench/delay-proxy.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

async function proxyTo(targetPort: number, options: Partial<DelayProxyOptions> = {}): Promise<DelayProxy> {
  const proxy = await startDelayProxy({ targetPort, delayMs: 0, ...options });
  closers.push(() => proxy.close());
  return proxy;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  closers.push(() => Promise.resolve(socket.destroy()));
  await once(socket, 'connect');
  return socket;
}

test('each direction takes the delay', async () => {
  const proxy = await proxyTo(await serve((socket) => socket.pipe(socket)), { delayMs: 30 });
  const socket = await dial(proxy.port);
  const sentAt = performance.now();
  socket.write('ping');
  await once(socket, 'data');
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(60);
});

test('a hundred mebibytes arrive in order and whole with room for one under way', async () => {
  const arrived = createHash('sha256');
  let arrivedBytes = 0;
  const target = new EventEmitter();
  const done = once(target, 'done');
  const port = await serve((socket) => {
    socket.on('data', (bytes: Buffer) => {
      arrived.update(bytes);
      arrivedBytes += bytes.length;
    });
    socket.on('end', () => target.emit('done'));
  });
  const proxy = await proxyTo(port, { delayMs: 5, inFlightBytesMax: 1 << 20 });
  const socket = await dial(proxy.port);
  const sent = createHash('sha256');
  const piece = Buffer.alloc(1 << 20);
  for (let i = 0; i < 100; i += 1) {
    const bytes = Buffer.from(piece.fill(`${i}-`));
    sent.update(bytes);
    if (!socket.write(bytes)) await once(socket, 'drain');
  }
  socket.end();
  await done;
  expect(arrivedBytes).toBe(100 << 20);
  expect(arrived.digest('hex')).toBe(sent.digest('hex'));
  expect(proxy.forwardedBytes('to-target')).toBe(100 << 20);
});

test('the bandwidth limit holds over all connections', async () => {
  const port = await serve((socket) => socket.end(Buffer.alloc(2 << 20)));
  const proxy = await proxyTo(port, { bytesPerSecond: 20 << 20 });
  const startedAt = performance.now();
  await Promise.all(
    [1, 2].map(async () => {
      const socket = await dial(proxy.port);
      await once(socket.resume(), 'end');
    }),
  );
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(200);
});

test('a cut resets both ends', async () => {
  const target = new EventEmitter();
  const targetError = once(target, 'failed');
  const port = await serve((socket) => {
    socket.write('hello');
    socket.on('error', (error: NodeJS.ErrnoException) => target.emit('failed', error.code));
  });
  const proxy = await proxyTo(port);
  const socket = await dial(proxy.port);
  await once(socket, 'data');
  const reset = once(socket, 'error');
  expect(proxy.cut()).toBe(1);
  const [error] = (await reset) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
  expect(await targetError).toEqual(['ECONNRESET']);
});

test('a connection is cut after the bytes it was given', async () => {
  const proxy = await proxyTo(await serve((socket) => socket.pipe(socket)), { cutAfterBytes: 100_000 });
  const socket = await dial(proxy.port);
  const reset = once(socket, 'error');
  const piece = Buffer.alloc(10_000);
  const writer = setInterval(() => socket.write(piece), 1);
  const [error] = (await reset) as [NodeJS.ErrnoException];
  clearInterval(writer);
  expect(['ECONNRESET', 'EPIPE']).toContain(error.code);
});

test('a half-close ends one direction and leaves the other', async () => {
  const port = await serve((socket) => {
    socket.resume();
    socket.on('end', () => socket.end('still here'));
  });
  const proxy = await proxyTo(port, { delayMs: 5 });
  const socket = await dial(proxy.port);
  socket.write('x');
  proxy.halfClose('to-target');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toBe('still here');
});
