import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDelayProxy, type DelayProxy, type DelayProxyOptions } from '../../bench/delay-proxy.ts';
import { connect, type ConnectOptions, type LongshoreClient } from '../../src/client/client.ts';
import { newTenant, startTestServer, type TestServer } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MIB = 2 ** 20;
const folder = temporaryFolder();
const notesFolder = join(folder, 'notes');
let server: TestServer;
let tenant: string;
const toClose: { close(): unknown }[] = [];

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(async () => {
  await server?.close();
});

beforeEach(() => {
  tenant = newTenant();
});

afterEach(async () => {
  for (const thing of toClose.splice(0).reverse()) await thing.close();
});

function client(port = server.port, options: Partial<ConnectOptions> = {}): LongshoreClient {
  const address = `127.0.0.1:${port}`;
  const made = connect({ address, tenant, notesFolder, retry: { baseMs: 20 }, ...options });
  toClose.push(made);
  return made;
}

async function proxy(options: Partial<DelayProxyOptions>): Promise<DelayProxy> {
  const made = await startDelayProxy({ targetPort: server.port, delayMs: 0, ...options });
  toClose.push(made);
  return made;
}

async function fileOf(bytes: Buffer, name = `${randomBytes(6).toString('hex')}.bin`): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('a put whose connection is cut again and again', () => {
  const size = 48 * MIB;
  const cutAfterBytes = 15 * MIB;

  it('of a path goes on from what was acknowledged', async () => {
    const bytes = randomBytes(size);
    const way = await proxy({ cutAfterBytes });
    const retries: number[] = [];
    const file = await client(way.port).put(await fileOf(bytes), {
      onRetry: ({ tries }) => retries.push(tries),
    });
    expect(file.sha256).toBe(sha256(bytes));
    expect(retries.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...retries)).toBeLessThanOrEqual(2);
    // Never more again than what may be unacknowledged: 8 MiB and what is on the way.
    expect(way.forwardedBytes('to-target')).toBeLessThan(size + retries.length * 14 * MIB);
  });

  it('of a path that is hashed on the way, of bytes and of a stream as well', async () => {
    const bytes = randomBytes(size);
    const way = await proxy({ cutAfterBytes });
    const cut = client(way.port);
    const path = await cut.put(await fileOf(bytes), { dedupe: 'no' });
    expect(path.sha256).toBe(sha256(bytes));
    const memory = await cut.put(bytes, { name: 'bytes', dedupe: 'no' });
    expect(memory).toMatchObject({ sha256: sha256(bytes), deduplicated: false });
    const pieces = Readable.from(
      (function* () {
        for (let at = 0; at < size; at += 700_001) yield bytes.subarray(at, at + 700_001);
      })(),
    );
    const stream = await cut.put(pieces, { name: 'stream' });
    expect(stream).toMatchObject({ sha256: sha256(bytes), sizeBytes: size });
  });
});

describe('a put whose server is stopped and started again', () => {
  it('goes on from what was acknowledged', async () => {
    const bytes = randomBytes(40 * MIB);
    const way = await proxy({ bytesPerSecond: 20 * MIB });
    let restarted: Promise<void> | undefined;
    const file = await client(way.port).put(await fileOf(bytes), {
      onProgress: ({ phase, bytesDone }) => {
        if (phase !== 'sending' || bytesDone < 8 * MIB) return;
        restarted ??= server.stop().then(() => server.start());
      },
    });
    await restarted;
    expect(restarted).toBeDefined();
    expect(file.sha256).toBe(sha256(bytes));
  });
});

describe('a put whose process is killed', () => {
  /** Puts a path in a process of its own and kills it once the server has acknowledged `killAt` bytes. */
  async function killedPut(port: number, path: string, killAt: number): Promise<void> {
    const script = new URL('put-process.ts', import.meta.url).pathname;
    const child = spawn(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), script, `127.0.0.1:${port}`, tenant, notesFolder, path],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    child.stdout.setEncoding('utf8');
    let acknowledged = 0;
    for await (const text of child.stdout) {
      acknowledged = Number((text as string).trim().split('\n').at(-1));
      if (acknowledged >= killAt) break;
    }
    expect(acknowledged).toBeGreaterThanOrEqual(killAt);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  it('is resumed by the next one, which leaves no note behind', async () => {
    const bytes = randomBytes(40 * MIB);
    const path = await fileOf(bytes);
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    await killedPut(slow.port, path, 8 * MIB);
    // The note is of this server's address, so the second put must go the same way.
    const file = await client(slow.port).put(path);
    expect(file).toMatchObject({ sha256: sha256(bytes), deduplicated: false });
    expect(file.resumedFromBytes).toBeGreaterThanOrEqual(8 * MIB);
    const again = await client(slow.port).put(path, { dedupe: 'no' });
    expect(again.resumedFromBytes).toBe(0);
  });

  it('is not resumed when the path has changed', async () => {
    const path = await fileOf(randomBytes(40 * MIB));
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    await killedPut(slow.port, path, 8 * MIB);
    const other = randomBytes(40 * MIB);
    await writeFile(path, other);
    await utimes(path, new Date(), new Date(Date.now() + 5_000));
    const file = await client(slow.port).put(path);
    expect(file).toMatchObject({ sha256: sha256(other), resumedFromBytes: 0 });
  });
});

describe('a put that is aborted', () => {
  it('ends at once with the reason of its signal, and is resumed by the next', async () => {
    const bytes = randomBytes(40 * MIB);
    const path = await fileOf(bytes);
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    const controller = new AbortController();
    let abortedAtMs = 0;
    const putting = client(slow.port).put(path, {
      signal: controller.signal,
      onProgress: ({ phase, bytesDone }) => {
        if (phase !== 'sending' || bytesDone < 8 * MIB || abortedAtMs > 0) return;
        abortedAtMs = Date.now();
        controller.abort(new Error('changed my mind'));
      },
    });
    await expect(putting).rejects.toThrow('changed my mind');
    expect(Date.now() - abortedAtMs).toBeLessThan(2_000);
    const file = await client(slow.port).put(path);
    expect(file.sha256).toBe(sha256(bytes));
    expect(file.resumedFromBytes).toBeGreaterThanOrEqual(8 * MIB);
  });

  it('before it began sends nothing', async () => {
    const signal = AbortSignal.abort(new Error('never'));
    await expect(client().put(Buffer.from('x'), { name: 'x', signal })).rejects.toThrow('never');
    for await (const file of client().list()) expect.fail(`${file.name} should not be there`);
  });
});

describe('a put that cannot end well', () => {
  it('gives up when as many attempts as allowed found no server', async () => {
    const nobody = await proxy({});
    await nobody.close();
    const retries: number[] = [];
    const putting = client(nobody.port, { retry: { baseMs: 1, triesMax: 4 } }).put(Buffer.from('x'), {
      name: 'x',
      onRetry: ({ tries }) => retries.push(tries),
    });
    await expect(putting).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: '' });
    expect(retries).toEqual([1, 2, 3]);
  });

  it('is not tried again when the server refused it for good', async () => {
    const retries: number[] = [];
    const putting = client().put(Buffer.from('x'), {
      name: '..',
      onRetry: ({ tries }) => retries.push(tries),
    });
    await expect(putting).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
    expect(retries).toEqual([]);
  });

  it("passes a stream's own error on", async () => {
    const stream = Readable.from(
      (async function* () {
        yield Promise.resolve(Buffer.alloc(MIB));
        throw new Error('the tape broke');
      })(),
    );
    await expect(client().put(stream, { name: 'x' })).rejects.toThrow('the tape broke');
  });

  it('says so when the path changes under it', async () => {
    const path = await fileOf(randomBytes(24 * MIB));
    const slow = await proxy({ bytesPerSecond: 40 * MIB });
    let changing: Promise<void> | undefined;
    const putting = client(slow.port).put(path, {
      onProgress: ({ phase }) => {
        if (phase === 'sending') changing ??= writeFile(path, 'something else');
      },
    });
    await expect(putting).rejects.toMatchObject({ reason: 'SOURCE_CHANGED' });
    await changing;
  });
});

describe('memory', () => {
  it('holds no more of a stream than may be unacknowledged', async () => {
    let given = 0;
    let acknowledged = 0;
    let most = 0;
    const stream = Readable.from(
      (function* () {
        for (; given < 64 * MIB; given += MIB) {
          most = Math.max(most, given - acknowledged);
          yield Buffer.alloc(MIB, given / MIB);
        }
      })(),
      { highWaterMark: 1 },
    );
    await client().put(stream, {
      name: 'long',
      onProgress: ({ bytesDone }) => {
        acknowledged = bytesDone;
      },
    });
    // 8 MiB and four chunks, and the pieces in the stream's own buffer.
    expect(most).toBeLessThanOrEqual(15 * MIB);
  });
});
