import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Metadata, status, type ServerWritableStream } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, type LongshoreClient } from '../../src/client/client.ts';
import { crc32c } from '../../src/client/crc32c.ts';
import { LongshoreError } from '../../src/errors.ts';
import { grpcStatus } from '../../src/grpc/status.ts';
import { startScriptedServer, type Script, type ScriptedServer } from '../support/scripted-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CONTENT = Buffer.from('what was once stored here');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const DIGEST = { sha256: SHA256, sizeBytes: CONTENT.length };
const NAME = 'tenants/t/files/f';
const FILE = { name: NAME, displayName: 'f', digest: DIGEST, etag: 'e1', state: 'ACTIVE' as const };
const UPLOAD = { name: 'tenants/t/uploads/u', state: 'OPEN' as const, persistedSize: 0 };
const folder = temporaryFolder();

let server: ScriptedServer;
let client: LongshoreClient;

afterEach(() => {
  client?.close();
  server?.close();
});

async function scripted(script: Script): Promise<void> {
  server = await startScriptedServer(script);
  client = connect({
    address: server.address,
    tenant: 't',
    notesFolder: null,
    stallTimeoutMs: 200,
    retry: { baseMs: 1, triesMax: 3 },
  });
}

async function received(): Promise<string> {
  const to = new PassThrough();
  const all = buffer(to);
  await client.get(NAME, to);
  to.end();
  return (await all).toString();
}

interface Lie {
  crc?: number;
  offset?: number;
  content?: Buffer;
  digest?: { sha256: string; sizeBytes: number };
  trailer?: boolean;
  ends?: boolean;
}

/** A read as it should be, but for the lie. */
function read(lie: Lie = {}): (call: ServerWritableStream<{ offset: number }, object>) => void {
  return (call) => {
    const { offset } = call.request;
    const content = lie.content ?? CONTENT.subarray(offset);
    const digest = lie.digest ?? DIGEST;
    call.write({
      header: { file: { ...FILE, digest }, range: { offset, length: DIGEST.sizeBytes - offset } },
    });
    const data = { offset: lie.offset ?? offset, chunk: { content, crc32c: lie.crc ?? crc32c(content) } };
    if (content.length > 0) call.write({ data });
    if (lie.trailer !== false) call.write({ trailer: { digest, rangeCrc32c: crc32c(content) } });
    if (lie.ends !== false) call.end();
  };
}

describe('a chunk that does not fit its CRC', () => {
  it('is asked for again', async () => {
    await scripted({ readFile: [read({ crc: 1 }), read()] });
    expect(await received()).toBe(CONTENT.toString());
  });

  it('is given up after some times, and never handed on', async () => {
    await scripted({ readFile: [read({ crc: 1 })] });
    const to = new PassThrough();
    await expect(client.get(NAME, to)).rejects.toMatchObject({ code: 'DATA_LOSS', reason: 'CHUNK_CORRUPT' });
    expect(to.readableLength).toBe(0);
    expect(server.calls.readFile).toBe(3);
  });
});

describe('bytes that are not those promised', () => {
  it('fail the read by their SHA-256, and no file appears', async () => {
    await scripted({ readFile: [read({ content: Buffer.from('what is now stored here!!') })] });
    await expect(client.get(NAME, join(folder, 'out'))).rejects.toMatchObject({
      code: 'DATA_LOSS',
      reason: 'DIGEST_MISMATCH',
    });
    expect(await readdir(folder)).toEqual([]);
    expect(server.calls.readFile).toBe(1);
  });

  it('fail it also when the server gives them a digest that fits, but not the one asked for', async () => {
    const other = Buffer.from('something else altogether');
    const digest = { sha256: createHash('sha256').update(other).digest('hex'), sizeBytes: other.length };
    await scripted({ readFile: [read({ content: other, digest })] });
    await expect(client.get(`sha256:${SHA256}`, new PassThrough().resume())).rejects.toMatchObject({
      reason: 'DIGEST_MISMATCH',
    });
  });
});

describe('a read that', () => {
  it('leaves bytes out is taken up where it was whole', async () => {
    await scripted({ readFile: [read({ offset: 3 }), read()] });
    expect(await received()).toBe(CONTENT.toString());
  });

  it('ends without its trailer is asked for the rest', async () => {
    await scripted({ readFile: [read({ content: CONTENT.subarray(0, 5), trailer: false }), read()] });
    expect(await received()).toBe(CONTENT.toString());
  });

  it('ends with its trailer too early is asked for the rest', async () => {
    await scripted({ readFile: [read({ content: CONTENT.subarray(0, 5) }), read()] });
    expect(await received()).toBe(CONTENT.toString());
  });

  it('falls silent is cut and taken up', async () => {
    await scripted({
      readFile: [read({ content: CONTENT.subarray(0, 5), trailer: false, ends: false }), read()],
    });
    expect(await received()).toBe(CONTENT.toString());
  });

  it('sends heartbeats is not taken for silent', async () => {
    await scripted({
      readFile: [
        (call) => {
          const beat = setInterval(() => call.write({ heartbeat: {} }), 50);
          setTimeout(() => {
            clearInterval(beat);
            read()(call);
          }, 600);
        },
      ],
    });
    expect(await received()).toBe(CONTENT.toString());
    expect(server.calls.readFile).toBe(1);
  });
});

describe('an upload that', () => {
  const createUpload: Script['createUpload'] = [(answer) => answer(null, UPLOAD)];
  const getUpload: Script['getUpload'] = [(answer) => answer(null, UPLOAD)];

  it('ends in a file of another digest has failed', async () => {
    const digest = { sha256: '0'.repeat(64), sizeBytes: CONTENT.length };
    await scripted({
      createUpload,
      writeUpload: [
        (call) => {
          call.on('data', ({ finish }: { finish: boolean }) => {
            if (finish) call.write({ file: { ...FILE, digest } });
          });
          call.on('end', () => call.end());
        },
      ],
    });
    await expect(client.put(CONTENT, { name: 'x' })).rejects.toMatchObject({
      code: 'DATA_LOSS',
      reason: 'DIGEST_MISMATCH',
      metadata: { expected: SHA256, actual: '0'.repeat(64) },
    });
  });

  it('is never acknowledged is cut and taken up, and ends after some times', async () => {
    await scripted({ createUpload, getUpload, writeUpload: [(call) => call.resume()] });
    await expect(client.put(CONTENT, { name: 'x' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The server acknowledged nothing for 0.2 s.',
    });
    expect(server.calls).toMatchObject({ writeUpload: 3, getUpload: 2 });
  });

  it('is ended by the server without a word is taken up', async () => {
    await scripted({
      createUpload,
      getUpload: [(answer) => answer(null, { ...UPLOAD, state: 'COMPLETED', file: FILE })],
      writeUpload: [(call) => call.end()],
    });
    expect((await client.put(CONTENT, { name: 'x' })).name).toBe(NAME);
  });

  it('had failed when it was asked for says why', async () => {
    const error = { code: status.INVALID_ARGUMENT, message: 'The type is blocked.', details: [] };
    await scripted({
      createUpload,
      getUpload: [(answer) => answer(null, { ...UPLOAD, state: 'FAILED', error })],
      writeUpload: [(call) => call.destroy()],
    });
    await expect(client.put(CONTENT, { name: 'x' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'The type is blocked.',
    });
  });
});

describe('an error', () => {
  it('that asks for time gets it', async () => {
    const slowDown = new LongshoreError('RATE_LIMITED', 'Too fast.', { retryAfterMs: 120 });
    await scripted({ getFile: [(answer) => answer(grpcStatus(slowDown)), (answer) => answer(null, FILE)] });
    const startMs = performance.now();
    await expect(client.stat(NAME)).resolves.toMatchObject({ displayName: 'f', sha256: SHA256 });
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(115);
  });

  it('without details is known by its code, and one of no kind is final', async () => {
    await scripted({ getFile: [(answer) => answer({ code: status.UNKNOWN, details: 'odd' })] });
    await expect(client.stat(NAME)).rejects.toMatchObject({ code: 'UNKNOWN', reason: '', message: 'odd' });
    expect(server.calls.getFile).toBe(1);
  });

  it('with details that are none of ours is known by its code', async () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
    await scripted({ getFile: [(answer) => answer({ code: status.NOT_FOUND, details: 'gone', metadata })] });
    await expect(client.stat(NAME)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: '', message: 'gone' });
  });

  it('from somewhere that has not this method is final', async () => {
    await scripted({});
    await expect(client.findMissing([DIGEST])).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
  });
});
