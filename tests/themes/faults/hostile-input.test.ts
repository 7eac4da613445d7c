import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Client, credentials } from '@grpc/grpc-js';
import { beforeAll, describe, expect, it } from 'vitest';
import { LongshoreClientError } from '../../../src/client/client-error.ts';
import { fromCallError } from '../../../src/client/error-details.ts';
import type { Methods } from '../../../src/client/messages.ts';
import { method } from '../../../src/client/proto.ts';
import { runningServer } from '../../support/running-server.ts';

const server = runningServer();
let file: string;
let upload: string;

/** What a caller with bad intentions, or a bad day, puts where text belongs. */
const HOSTILE: Record<string, string> = {
  nothing: '',
  'a NUL': 'a\0b',
  'a way out': '../../../etc/passwd',
  'a way out at the end': 'reports/..',
  'an absolute path': '/etc/passwd',
  'ten thousand characters': 'x'.repeat(10_000),
  'a megabyte': 'y'.repeat(2 ** 20),
  'control characters': 'a\r\nb\u0007\u001b[31m',
  'right-to-left marks': 'annexe\u202efdp.exe',
  'a lone surrogate': 'a\ud800b',
  'line separators': 'a\u2028b',
  'a quote and a comment': `'; drop table files; --`,
  wildcards: '%_*?\\',
  'slashes alone': '////////',
  'five parts': 'tenants/a/files/b/c',
  'a name of another tenant': 'tenants/other/files/x',
  'a number too large': '99999999999999999999999999',
  'emoji and combining marks': 'e\u0301\u{1f468}\u200d\u{1f469}',
  __proto__: '__proto__',
};

type Calls = { [Name in keyof Methods]?: ((text: string, parent: string) => Methods[Name]['request'])[] };

/** Every text of every request. */
const CALLS: Calls = {
  FindMissingBlobs: [
    (text) => ({ parent: text }),
    (text, parent) => ({ parent, digests: [{ sha256: text }] }),
  ],
  GetFile: [(text) => ({ name: text })],
  ListFiles: [
    (text) => ({ parent: text }),
    (text, parent) => ({ parent, pageToken: text }),
    (text, parent) => ({ parent, filter: text }),
    (text, parent) => ({ parent, filter: `display_name = "${text.replace(/["\\]/g, '\\$&')}"` }),
    (text, parent) => ({ parent, filter: `labels.a : "${text.replace(/["\\]/g, '\\$&')}"` }),
    (text, parent) => ({ parent, orderBy: text }),
  ],
  UpdateFile: [
    (text) => ({ file: { name: text } }),
    (text) => ({ file: { name: file, displayName: text }, updateMask: { paths: ['display_name'] } }),
    (text) => ({ file: { name: file, mediaType: text }, updateMask: { paths: ['media_type'] } }),
    (text) => ({ file: { name: file, labels: { [text]: 'x' } } }),
    (text) => ({ file: { name: file, labels: { x: text } } }),
    (text) => ({ file: { name: file, metadata: { fields: { [text]: { stringValue: text } } } } }),
    (text) => ({ file: { name: file, etag: text, labels: { a: 'b' } } }),
    (text) => ({ file: { name: file }, updateMask: { paths: [text] } }),
  ],
  CopyFile: [
    (text, parent) => ({ name: text, parent }),
    (text) => ({ name: file, parent: text }),
    (text, parent) => ({ name: file, parent, fileId: text }),
    (text, parent) => ({ name: file, parent, requestId: text }),
  ],
  DeleteFile: [
    (text) => ({ name: text }),
    (text) => ({ name: `${file}x`, etag: text, allowMissing: true }),
    (text) => ({ name: `${file}x`, requestId: text, allowMissing: true }),
  ],
  UndeleteFile: [(text) => ({ name: text }), (text) => ({ name: file, etag: text })],
  VerifyFile: [(text) => ({ name: text })],
  CreateUpload: [
    (text) => ({ parent: text }),
    (text, parent) => ({ parent, file: { displayName: text } }),
    (text, parent) => ({ parent, file: { name: text } }),
    (text, parent) => ({ parent, file: { mediaType: text } }),
    (text, parent) => ({ parent, file: { labels: { [text]: text } } }),
    (text, parent) => ({ parent, file: { region: text } }),
    (text, parent) => ({ parent, file: { metadata: { fields: { a: { stringValue: text } } } } }),
    (text, parent) => ({ parent, file: { etag: text, encryptionKey: text } }),
    (text, parent) => ({ parent, fileId: text }),
    (text, parent) => ({ parent, requestId: text }),
    (text, parent) => ({ parent, expectedDigest: { sha256: text } }),
    (text, parent) => ({ parent, placeOn: [text] }),
  ],
  WriteUploadPart: [
    (text) => ({ upload: text, chunk: { content: Buffer.from('x') } }),
    (text) => ({ upload, offset: 5, chunk: { content: Buffer.from(text) } }),
  ],
  GetUpload: [(text) => ({ name: text })],
  ListUploads: [(text) => ({ parent: text }), (text, parent) => ({ parent, pageToken: text })],
  FinalizeUpload: [(text) => ({ upload: text }), (text) => ({ upload, finalDigest: { sha256: text } })],
  CancelUpload: [(text) => ({ name: text })],
  BatchGetFiles: [(text) => ({ parent: text }), (text, parent) => ({ parent, names: [text] })],
  BatchReadFiles: [(text) => ({ parent: text }), (text, parent) => ({ parent, names: [text] })],
  BatchUploadFiles: [
    (text) => ({ parent: text }),
    (text, parent) => ({ parent, items: [{ file: { displayName: text }, fileId: text }] }),
    (text, parent) => ({ parent, requestId: text }),
  ],
  BatchDeleteFiles: [(text) => ({ parent: text }), (text, parent) => ({ parent, names: [text] })],
  EnsurePlacement: [(text) => ({ file: text, provider: text })],
  GetOperation: [(text) => ({ name: text })],
  ListOperations: [
    (text) => ({ name: text }),
    (text, parent) => ({ name: `${parent}/operations`, pageToken: text }),
  ],
  CancelOperation: [(text) => ({ name: text })],
  DeleteOperation: [(text) => ({ name: text })],
};

beforeAll(async () => {
  const client = server.client('hostile');
  file = (await client.put(randomBytes(10), { fileId: 'f' })).name;
  upload = (await client.createUpload({})).name;
});

function isAnswered(error: unknown): boolean {
  return error instanceof LongshoreClientError && error.reason !== '' && error.code !== 'INTERNAL';
}

describe('every text of every request', () => {
  for (const [what, text] of Object.entries(HOSTILE)) {
    it(`may be ${what}: the answer says what is wrong, and nothing breaks`, async () => {
      const client = server.client('hostile');
      const bad: string[] = [];
      for (const [name, makers] of Object.entries(CALLS)) {
        for (const [index, make] of makers.entries()) {
          const request = make(text, client.parent);
          try {
            await client.call(name as keyof Methods, request);
          } catch (error) {
            if (!isAnswered(error)) bad.push(`${name} ${index}: ${String(error)}`);
          }
        }
      }
      expect(bad).toEqual([]);
      expect((await client.call('GetFile', { name: file })).state).toBe('ACTIVE');
    });
  }
});

describe('a display name', () => {
  const refused = [
    'a NUL',
    'a way out',
    'a way out at the end',
    'an absolute path',
    'ten thousand characters',
    'control characters',
    'right-to-left marks',
    'line separators',
  ];
  for (const what of refused) {
    it(`that is ${what} is refused, with the field that is wrong`, async () => {
      const client = server.client();
      await expect(client.createUpload({ displayName: HOSTILE[what] ?? '' })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'FIELD_INVALID',
        violations: [{ field: 'file.display_name', description: expect.any(String) }],
      });
    });
  }
});

describe('numbers', () => {
  it('that cannot be are refused, and never taken for others', async () => {
    const client = server.client();
    const { parent } = client;
    const { name } = await client.put(randomBytes(100));
    const part = { upload, chunk: { content: Buffer.from('x') } };
    const calls: [() => Promise<unknown>, string][] = [
      [() => client.createUpload({ totalSize: -1 }), 'total_size'],
      [() => client.createUpload({ totalSize: 2 ** 60 }), 'total_size'],
      [() => client.createUpload({ ttl: { seconds: -5, nanos: 0 } }), 'ttl'],
      [
        () => client.createUpload({ expectedDigest: { sha256: '0'.repeat(64), sizeBytes: -1 } }),
        'expected_digest.size_bytes',
      ],
      [
        () => client.createUpload({ file: { expireTime: { seconds: 2 ** 50, nanos: 0 } } }),
        'file.expire_time',
      ],
      [() => client.createUpload({ file: { expireTime: { seconds: -1, nanos: 0 } } }), 'file.expire_time'],
      [() => client.call('ListFiles', { parent, pageSize: -1 }), 'page_size'],
      [() => server.client('hostile').call('WriteUploadPart', { ...part, offset: -1 }), 'offset'],
      [() => server.client('hostile').call('WriteUploadPart', { ...part, offset: 2 ** 60 }), 'offset'],
      [() => client.read({ file: name, limit: -1 }), 'limit'],
      [() => client.read({ file: name, preferredChunkBytes: -1 }), 'preferred_chunk_bytes'],
    ];
    for (const [call, field] of calls) {
      await expect(call(), field).rejects.toMatchObject({ reason: 'FIELD_INVALID', violations: [{ field }] });
    }
  });
});

describe('a message', () => {
  const bare = (): Client => new Client(server.process.address, credentials.createInsecure());

  function raw(path: string, bytes: Buffer): Promise<unknown> {
    const client = bare();
    const same = (value: Buffer): Buffer => value;
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, bytes, (error, value) => {
        client.close();
        if (error) reject(fromCallError(error));
        else resolve(value);
      });
    });
  }

  function rawStream(path: string, messages: Buffer[]): Promise<unknown> {
    const client = bare();
    const same = (value: Buffer): Buffer => value;
    const call = client.makeBidiStreamRequest(path, same, same);
    return new Promise((resolve, reject) => {
      call.on('data', () => undefined);
      call.on('error', (error) => reject(fromCallError(error)));
      call.on('end', () => resolve(null));
      for (const message of messages) call.write(message);
      call.end();
    }).finally(() => client.close());
  }

  it('that is no protobuf is refused as such, wherever it is sent', async () => {
    const paths = ['GetFile', 'CreateUpload', 'BatchUploadFiles'].map(
      (name) => `/longshore.v1.FileService/${name}`,
    );
    for (const bytes of [Buffer.from([0xff]), Buffer.from('0a05', 'hex'), randomBytes(64).fill(0x0b, 0, 1)]) {
      for (const path of paths) {
        await expect(raw(path, bytes), bytes.toString('hex')).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          reason: 'FIELD_INVALID',
        });
      }
      await expect(rawStream('/longshore.v1.FileService/WriteUpload', [bytes])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'FIELD_INVALID',
      });
    }
  });

  it('that is random is answered, a thousand times', async () => {
    const names = Object.keys(CALLS);
    for (let round = 0; round < 1000; round += 50) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const name = names[(round + index) % names.length] ?? '';
          const error = await raw(
            method(name as keyof Methods).path,
            randomBytes((round + index) % 200),
          ).then(
            () => null,
            (failure: unknown) => failure,
          );
          expect(error === null || isAnswered(error), `${name}: ${String(error)}`).toBe(true);
        }),
      );
    }
    for (let round = 0; round < 50; round += 1) {
      const error = await rawStream('/longshore.v1.FileService/WriteUpload', [randomBytes(round * 7)]).catch(
        (failure: unknown) => failure,
      );
      expect(isAnswered(error), String(error)).toBe(true);
    }
  });

  it('that is too large is refused without being kept', async () => {
    const large = Buffer.alloc(6 * 2 ** 20);
    const tooLarge = { code: 'RESOURCE_EXHAUSTED', reason: 'MESSAGE_TOO_LARGE' };
    await expect(raw('/longshore.v1.FileService/GetFile', large)).rejects.toMatchObject(tooLarge);
    await expect(rawStream('/longshore.v1.FileService/WriteUpload', [large])).rejects.toMatchObject(tooLarge);
    const client = server.client('hostile');
    const chunk = { content: Buffer.alloc(2 * 2 ** 20 + 1) };
    await expect(client.call('WriteUploadPart', { upload, chunk })).rejects.toMatchObject({
      violations: [{ field: 'chunk.content' }],
    });
    const writer = client.write().start(upload);
    await writer.send({ chunk });
    await expect(writer.ended).rejects.toMatchObject({ violations: [{ field: 'chunk.content' }] });
  });

  it('that is compressed is understood, also where content comes in', async () => {
    const client = new Client(server.process.address, credentials.createInsecure(), {
      'grpc.default_compression_algorithm': 2,
    });
    const content = randomBytes(100_000);
    const target = await server.client('hostile').createUpload({});
    const { path, serialize, deserialize } = method('WriteUpload');
    const call = client.makeBidiStreamRequest(path, serialize, deserialize);
    const answers: unknown[] = [];
    call.on('data', (answer) => answers.push(answer));
    const ended = once(call, 'end');
    call.write({ upload: target.name, chunk: { content }, finish: true });
    call.end();
    await ended;
    client.close();
    expect(answers).toMatchObject([{ file: { digest: { sizeBytes: 100_000 } } }]);
  });

  it('of an unknown method is answered with details', async () => {
    await expect(raw('/longshore.v1.FileService/Nothing', Buffer.alloc(0))).rejects.toMatchObject({
      code: 'UNIMPLEMENTED',
      reason: 'NOT_IMPLEMENTED',
    });
  });

  it('may claim a length that never comes, or be compressed nonsense, and only its own call suffers', async () => {
    const session = connectHttp2(`http://${server.process.address}`);
    const headers = {
      ':method': 'POST',
      ':path': '/longshore.v1.FileService/WriteUpload',
      'content-type': 'application/grpc',
      te: 'trailers',
    };
    const frame = (flag: number, length: number, bytes: Buffer): Buffer => {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt8(flag);
      prefix.writeUInt32BE(length, 1);
      return Buffer.concat([prefix, bytes]);
    };
    const frames = [
      frame(0, 0xffffffff, randomBytes(1000)),
      frame(1, 100, randomBytes(100)),
      frame(7, 10, randomBytes(10)),
      frame(1, 20, gzipSync('x').subarray(0, 20)),
      Buffer.from([0]),
    ];
    for (const bytes of frames) {
      for (const path of ['WriteUpload', 'GetFile', 'ReadFile']) {
        const stream = session.request({ ...headers, ':path': `/longshore.v1.FileService/${path}` });
        stream.on('error', () => undefined);
        stream.end(bytes);
        await Promise.race([once(stream, 'close'), new Promise((resolve) => setTimeout(resolve, 200))]);
        stream.destroy();
      }
    }
    session.destroy();
    expect((await server.client('hostile').call('GetFile', { name: file })).name).toBe(file);
  });
});

describe('a connection', () => {
  it('that speaks no HTTP/2 disturbs nobody', async () => {
    const [host = '', port] = server.process.address.split(':');
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      randomBytes(5000),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nrubbish'),
    ]) {
      const socket = connectTcp(Number(port), host);
      socket.on('error', () => undefined);
      socket.write(bytes);
      await Promise.race([once(socket, 'close'), new Promise((resolve) => setTimeout(resolve, 200))]);
      socket.destroy();
    }
    expect((await server.client('hostile').call('GetFile', { name: file })).name).toBe(file);
  });
});

it('nothing of all this was a fault of the server', () => {
  const faults = server.process.log.filter(({ level }) => level === 'error' || level === 'fatal');
  expect(faults).toEqual([]);
});
