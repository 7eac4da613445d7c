import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDelayProxy, type DelayProxy, type DelayProxyOptions } from '../../bench/delay-proxy.ts';
import { connect, type File, type LongshoreClient } from '../../src/client/client.ts';
import { newTenant, startTestServer, type TestServer } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MIB = 2 ** 20;
const SIZE = 40 * MIB;
const root = temporaryFolder();
const notesFolder = join(root, 'notes');
const bytes = randomBytes(SIZE);
let server: TestServer;
let tenant: string;
let file: File;
let folder: string;
let path: string;
const toClose: { close(): unknown }[] = [];

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(async () => {
  await server?.close();
});

beforeEach(async () => {
  tenant = newTenant();
  file = await client().put(bytes, { name: 'content.bin' });
  folder = await mkdtemp(join(root, 'into-'));
  path = join(folder, 'content.bin');
});

afterEach(async () => {
  for (const thing of toClose.splice(0).reverse()) await thing.close();
});

function client(port = server.port): LongshoreClient {
  const made = connect({ address: `127.0.0.1:${port}`, tenant, notesFolder, retry: { baseMs: 20 } });
  toClose.push(made);
  return made;
}

async function proxy(options: Partial<DelayProxyOptions>): Promise<DelayProxy> {
  const made = await startDelayProxy({ targetPort: server.port, delayMs: 0, ...options });
  toClose.push(made);
  return made;
}

function same(actual: Uint8Array, expected: Uint8Array = bytes): boolean {
  return Buffer.compare(actual, expected) === 0;
}

/** Gets the file in a process of its own, kills that once `killAt` bytes have come, and says the part's size. */
async function killedGet(port: number, killAt: number): Promise<void> {
  const script = new URL('get-process.ts', import.meta.url).pathname;
  const args = [script, `127.0.0.1:${port}`, tenant, notesFolder, file.name, path];
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8');
  let received = 0;
  for await (const text of child.stdout) {
    received = Number((text as string).trim().split('\n').at(-1));
    if (received >= killAt) break;
  }
  expect(received).toBeGreaterThanOrEqual(killAt);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  expect(await readdir(folder)).toEqual(['content.bin.longshore-part']);
}

describe('a get whose connection is cut again and again', () => {
  const cutAfterBytes = 15 * MIB;

  it('into a path goes on from what is there', async () => {
    const way = await proxy({ cutAfterBytes });
    const result = await client(way.port).get(file.name, path);
    expect(same(await readFile(path))).toBe(true);
    expect(await readdir(folder)).toEqual(['content.bin']);
    expect(result.bytesReceived).toBe(SIZE);
  });

  it('into a stream gives each byte once and in order', async () => {
    const way = await proxy({ cutAfterBytes });
    const to = new PassThrough();
    const all = buffer(to);
    await client(way.port).get(file.name, to);
    to.end();
    expect(same(await all)).toBe(true);
  });

  it('of a part of the file stays within the part', async () => {
    const way = await proxy({ cutAfterBytes });
    const range = { offset: 3 * MIB + 1, length: 33 * MIB };
    await client(way.port).get(file.name, path, { range });
    expect(same(await readFile(path), bytes.subarray(range.offset, range.offset + range.length))).toBe(true);
    const suffix = join(folder, 'suffix');
    await client(way.port).get(file.name, suffix, { range: { offset: -30 * MIB } });
    expect(same(await readFile(suffix), bytes.subarray(-30 * MIB))).toBe(true);
  });

  it('goes on though the record was changed meanwhile, as long as the content is the same', async () => {
    const way = await proxy({ bytesPerSecond: 40 * MIB });
    let touched: Promise<unknown> | undefined;
    await client(way.port).get(file.name, path, {
      onProgress: ({ bytesDone }) => {
        if (bytesDone < 10 * MIB) return;
        touched ??= client()
          .update(file.name, { labels: { touched: 'yes' } })
          .then(() => way.cut());
      },
    });
    expect(await touched).toBe(1);
    expect(same(await readFile(path))).toBe(true);
  });
});

describe('a get whose server is stopped and started again', () => {
  it('goes on', async () => {
    const way = await proxy({ bytesPerSecond: 20 * MIB });
    let restarted: Promise<void> | undefined;
    await client(way.port).get(file.name, path, {
      onProgress: ({ bytesDone }) => {
        if (bytesDone > 8 * MIB) restarted ??= server.stop().then(() => server.start());
      },
    });
    await restarted;
    expect(restarted).toBeDefined();
    expect(same(await readFile(path))).toBe(true);
  });
});

describe('a get whose process is killed', () => {
  it('is resumed by the next one, which fetches only the rest', async () => {
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    await killedGet(slow.port, 10 * MIB);
    const result = await client(slow.port).get(file.name, path);
    expect(result.resumedFromBytes).toBeGreaterThanOrEqual(10 * MIB);
    expect(result.bytesReceived).toBe(SIZE - result.resumedFromBytes);
    expect(same(await readFile(path))).toBe(true);
    expect(await readdir(folder)).toEqual(['content.bin']);
  });

  it('is resumed by digest as well', async () => {
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    file = { ...file, name: `sha256:${file.sha256}` };
    await killedGet(slow.port, 10 * MIB);
    const result = await client(slow.port).get(file.name, path);
    expect(result.resumedFromBytes).toBeGreaterThanOrEqual(10 * MIB);
    expect(result.displayName).toBe('content.bin');
    expect(same(await readFile(path))).toBe(true);
  });

  it('begins again when what it left turns out bad', async () => {
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    await killedGet(slow.port, 10 * MIB);
    const part = await open(`${path}.longshore-part`, 'r+');
    await part.write(Buffer.alloc(4096), 0, 4096, 5 * MIB);
    await part.close();
    const result = await client(slow.port).get(file.name, path);
    expect(result.resumedFromBytes).toBe(0);
    expect(same(await readFile(path))).toBe(true);
  });

  it('needs only the proof when everything had come', async () => {
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    await killedGet(slow.port, 10 * MIB);
    await writeFile(`${path}.longshore-part`, bytes);
    const result = await client(slow.port).get(file.name, path);
    expect(result).toMatchObject({ bytesReceived: 0, resumedFromBytes: SIZE });
    expect(same(await readFile(path))).toBe(true);
  });

  it('begins again when what it left is longer than the file', async () => {
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    await killedGet(slow.port, 10 * MIB);
    await truncate(`${path}.longshore-part`, SIZE + 1);
    await client(slow.port).get(file.name, path);
    expect(same(await readFile(path))).toBe(true);
  });

  it('does not take up what was left of another file', async () => {
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    await killedGet(slow.port, 10 * MIB);
    const other = randomBytes(9 * MIB);
    const { name } = await client().put(other, { name: 'other' });
    const result = await client(slow.port).get(name, path);
    expect(result.resumedFromBytes).toBe(0);
    expect(same(await readFile(path), other)).toBe(true);
  });

  it('overwrites a part that nobody has a note of', async () => {
    await writeFile(`${path}.longshore-part`, 'left by who knows whom');
    await client().get(file.name, path);
    expect(same(await readFile(path))).toBe(true);
  });
});

describe('a file that is replaced while it is read', () => {
  const other = randomBytes(12 * MIB);

  /** Cuts the connection after 10 MiB, when the same name stands for other content. */
  async function replaced(to: string | Writable): Promise<File> {
    // Slow enough that the other content is there long before this one has ended.
    const way = await proxy({ bytesPerSecond: 8 * MIB });
    const fileId = file.name.slice(file.name.lastIndexOf('/') + 1);
    let replacing: Promise<unknown> | undefined;
    return client(way.port).get(file.name, to, {
      onProgress: ({ bytesDone }) => {
        if (bytesDone < 10 * MIB) return;
        replacing ??= client()
          .put(other, { fileId, name: 'content.bin' })
          .then(() => way.cut());
      },
    });
  }

  it('comes whole in its new form into a path', async () => {
    await replaced(path);
    expect(same(await readFile(path), other)).toBe(true);
  });

  it('is refused into a stream, which has had bytes of the old one', async () => {
    await expect(replaced(new PassThrough().resume())).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  });
});

describe('a get that is aborted', () => {
  it('ends at once with the reason of its signal, and is resumed by the next', async () => {
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    const controller = new AbortController();
    const getting = client(slow.port).get(file.name, path, {
      signal: controller.signal,
      onProgress: ({ bytesDone }) => {
        if (bytesDone > 9 * MIB) controller.abort(new Error('changed my mind'));
      },
    });
    await expect(getting).rejects.toThrow('changed my mind');
    const result = await client(slow.port).get(file.name, path);
    expect(result.resumedFromBytes).toBeGreaterThan(9 * MIB);
    expect(same(await readFile(path))).toBe(true);
  });

  it('does not wait for a stream that takes no more', async () => {
    const stuck = new Writable({ write: () => undefined, highWaterMark: 1 });
    const getting = client().get(file.name, stuck, { signal: AbortSignal.timeout(300) });
    await expect(getting).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('a get that cannot end well', () => {
  it('leaves nothing of a file that is not there', async () => {
    await expect(client().get('nothing', path)).rejects.toMatchObject({ reason: 'FILE_NOT_FOUND' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves nothing where it may not write', async () => {
    const { name } = await client().put(randomBytes(2 * MIB), { name: 'small' });
    await expect(client().get(name, join(folder, 'no', 'such', 'folder'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await expect(client().get(name, folder)).rejects.toThrow('is a folder');
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves nothing of content that the server finds damaged', async () => {
    const damaged = randomBytes(12 * MIB);
    const { name, sha256 } = await client().put(damaged, { name: 'damaged' });
    const stored = (await readdir(server.dataFolder, { recursive: true })).filter((entry) =>
      entry.endsWith(sha256),
    );
    expect(stored).toHaveLength(1);
    const blob = await open(join(server.dataFolder, stored[0]!), 'r+');
    await blob.write(Buffer.alloc(16), 0, 16, 10 * MIB);
    await blob.close();
    await expect(client().get(name, path)).rejects.toMatchObject({
      code: 'DATA_LOSS',
      reason: 'BLOB_CORRUPT',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it("passes a stream's error on", async () => {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('the tape is full')) });
    broken.on('error', () => undefined);
    await expect(client().get(file.name, broken)).rejects.toThrow('the tape is full');
  });

  it('is refused while another one writes to the same path', async () => {
    const slow = await proxy({ bytesPerSecond: 20 * MIB });
    const first = client(slow.port).get(file.name, path);
    await sleep(300);
    await expect(client().get(file.name, path)).rejects.toThrow('Another transfer is writing to');
    await first;
    expect(same(await readFile(path))).toBe(true);
  });
});

describe('a slow stream', () => {
  it('holds the server back instead of filling memory', async () => {
    const way = await proxy({ inFlightBytesMax: MIB });
    let taken = 0;
    let ahead = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        const first = taken === 0;
        taken += chunk.length;
        if (!first) return done();
        setTimeout(() => {
          ahead = way.forwardedBytes('to-client') - taken;
          done();
        }, 1000);
      },
    });
    await client(way.port).get(file.name, slow);
    expect(taken).toBe(SIZE);
    // One receive window of 8 MiB, and the sixteen messages that grpc-js keeps for a reader.
    expect(ahead).toBeLessThan(30 * MIB);
  });
});
