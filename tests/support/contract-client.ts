import type { ClientDuplexStream } from '@grpc/grpc-js';
import { expect } from 'vitest';
import { Channel } from '../../src/client/channel.ts';
import { crc32c } from '../../src/client/crc32c.ts';
import { fromCallError } from '../../src/client/error-details.ts';
import type {
  FileMessage,
  Methods,
  ReadFileRequest,
  ReadFileResponse,
  UploadMessage,
  WriteUploadRequest,
  WriteUploadResponse,
} from '../../src/client/messages.ts';
import { systemSurroundings } from '../../src/client/surroundings.ts';

export interface ReadResult {
  readonly header: NonNullable<ReadFileResponse['header']>;
  readonly content: Buffer;
  readonly trailer: NonNullable<ReadFileResponse['trailer']>;
}

/** The bare contract, without the retries of the client library: what a test says is what the server hears. */
export class ContractClient {
  readonly tenant: string;
  readonly channel: Channel;

  constructor(address: string, tenant: string, options: { apiKey?: string; timeoutMs?: number } = {}) {
    this.tenant = tenant;
    const { apiKey, timeoutMs = 15_000 } = options;
    this.channel = new Channel({ address, apiKey, timeoutMs }, systemSurroundings);
  }

  get parent(): string {
    return `tenants/${this.tenant}`;
  }

  call<Name extends keyof Methods>(
    name: Name,
    request: Methods[Name]['request'],
    signal?: AbortSignal,
  ): Promise<Methods[Name]['response']> {
    return this.channel.unary(name, request, signal);
  }

  createUpload(
    request: Partial<Methods['CreateUpload']['request']> & { displayName?: string } = {},
  ): Promise<UploadMessage> {
    const { displayName = 'a.bin', ...rest } = request;
    return this.call('CreateUpload', { parent: this.parent, file: { displayName }, ...rest });
  }

  write(): UploadWriter {
    return new UploadWriter(this.channel.writeUpload());
  }

  /** One upload in one go. */
  async put(
    content: Buffer,
    request: Parameters<ContractClient['createUpload']>[0] = {},
  ): Promise<FileMessage> {
    const upload = await this.createUpload({ totalSize: content.length, ...request });
    if (upload.state === 'COMPLETED' && upload.file) return upload.file;
    return this.sendRest(upload.name, content, 0);
  }

  /** Sends `content` from an offset on and finishes. */
  async sendRest(upload: string, content: Buffer, from: number, chunkBytes = 2 ** 20): Promise<FileMessage> {
    const writer = this.write();
    writer.start(upload);
    for (let at = from; at < content.length; at += chunkBytes) {
      await writer.chunk(at, content.subarray(at, at + chunkBytes));
    }
    return writer.finish();
  }

  /** Of two who finish an upload at once the newer one wins; the older one asks again, as a client would. */
  async finalize(upload: string): Promise<FileMessage> {
    for (;;) {
      try {
        return await this.call('FinalizeUpload', { upload });
      } catch (error) {
        expect(error).toMatchObject({ code: 'ABORTED', reason: 'WRITER_SUPERSEDED' });
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      }
    }
  }

  async read(request: ReadFileRequest): Promise<ReadResult> {
    const call = this.channel.readFile(request);
    const pieces: Buffer[] = [];
    let header: ReadResult['header'] | null = null;
    let trailer: ReadResult['trailer'] | null = null;
    try {
      for await (const message of call as AsyncIterable<ReadFileResponse>) {
        if (message.header) header = message.header;
        if (message.trailer) trailer = message.trailer;
        const content = message.data?.chunk?.content;
        if (!content) continue;
        if (crc32c(content) !== message.data?.chunk?.crc32c)
          throw new Error('a chunk came with a wrong CRC32C');
        pieces.push(content);
      }
    } catch (error) {
      throw fromCallError(error);
    }
    if (!header || !trailer) throw new Error('the stream ended without header and trailer');
    return { header, content: Buffer.concat(pieces), trailer };
  }

  close(): void {
    this.channel.close();
  }
}

/** One WriteUpload stream, step by step. */
export class UploadWriter {
  readonly call: ClientDuplexStream<WriteUploadRequest, WriteUploadResponse>;
  readonly acks: UploadMessage[] = [];
  /** Settles when the stream ends: the file, null when it ended without one, or the error. */
  readonly ended: Promise<FileMessage | null>;
  #named: string | null = null;
  #heard: () => void = () => undefined;

  constructor(call: ClientDuplexStream<WriteUploadRequest, WriteUploadResponse>) {
    this.call = call;
    let file: FileMessage | null = null;
    this.ended = new Promise((resolve, reject) => {
      call.on('data', (response: WriteUploadResponse) => {
        if (response.progress) this.acks.push(response.progress);
        if (response.file) file = response.file;
        this.#heard();
      });
      call.on('error', (error) => reject(fromCallError(error)));
      call.on('end', () => resolve(file));
    });
    this.ended.catch(() => undefined);
  }

  /** The next message carries the upload's name. */
  start(upload: string): this {
    this.#named = upload;
    return this;
  }

  /** Resolves when the message is on its way; the stream's end says what became of it. */
  send(message: WriteUploadRequest): Promise<void> {
    const name = this.#named === null ? {} : { upload: this.#named };
    this.#named = null;
    const sent = new Promise<void>((resolve) => {
      this.call.write({ ...name, ...message }, () => resolve());
    });
    return Promise.race([
      sent,
      this.ended.then(
        () => undefined,
        () => undefined,
      ),
    ]);
  }

  chunk(offset: number, content: Buffer, more: WriteUploadRequest = {}): Promise<void> {
    return this.send({ offset, chunk: { content, crc32c: crc32c(content) }, ...more });
  }

  /** Asks for a flush and waits until that much is acknowledged. */
  async flush(persistedSize: number): Promise<UploadMessage> {
    await this.send({ flush: true });
    return this.acknowledged(persistedSize);
  }

  async acknowledged(persistedSize: number): Promise<UploadMessage> {
    for (;;) {
      const ack = this.acks.find((each) => each.persistedSize >= persistedSize);
      if (ack) return ack;
      const heard = new Promise<'heard'>((resolve) => (this.#heard = () => resolve('heard')));
      const what = await Promise.race([heard, this.ended]);
      if (what !== 'heard') throw new Error('the stream ended before the acknowledgement');
    }
  }

  async finish(message: WriteUploadRequest = {}): Promise<FileMessage> {
    await this.send({ finish: true, ...message });
    this.call.end();
    const file = await this.ended;
    if (!file) throw new Error('the stream ended without a file');
    return file;
  }

  /** The client is gone: what it had not sent is never sent. */
  cancel(): void {
    this.call.cancel();
  }
}

/** Reads a whole file and compares. `toEqual` would take seconds for each MiB. */
export async function expectContent(client: ContractClient, name: string, bytes: Buffer): Promise<void> {
  const { content } = await client.read({ file: name });
  expect({ bytes: content.length, equal: content.equals(bytes) }).toEqual({
    bytes: bytes.length,
    equal: true,
  });
}
