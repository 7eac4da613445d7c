import type { Readable, Writable } from 'node:stream';
import { Channel, type TlsOptions } from './channel.ts';
import { fromStatus } from './error-details.ts';
import { fileFromMessage, timestampFromDate, type File } from './file.ts';
import { get, type GetContext, type GetOptions, type GetResult } from './get.ts';
import type { FileInput, OperationMessage, Methods } from './messages.ts';
import { put, type PutOptions, type PutResult } from './put.ts';
import { defaultNotesFolder, ResumeNotes } from './resume-notes.ts';
import { DEFAULT_RETRY_POLICY, withRetries, type RetryPolicy } from './retry.ts';
import { systemSurroundings, type Surroundings } from './surroundings.ts';
import { fileName } from './target.ts';

// This file is what `import ... from 'longshore'` gives: what its signatures name, its users may name too.
export { LongshoreClientError } from './client-error.ts';
export type { File } from './file.ts';
export type { GetOptions, GetProgress, GetResult, Range } from './get.ts';
export type { PutOptions, PutProgress, PutResult } from './put.ts';
export type { RetryEvent, RetryPolicy } from './retry.ts';

const TIMEOUT_MS = 30_000;
/** Long enough for one chunk of 1 MiB at 9 kB/s: of less a server can say nothing. */
const STALL_TIMEOUT_MS = 120_000;
/** Between two looks at an operation. */
const OPERATION_POLL_MS = 250;

export interface ConnectOptions {
  /** `host:port` of the server. */
  readonly address: string;
  /** Whose files: the `{tenant}` of `tenants/{tenant}/files/{file}`. */
  readonly tenant: string;
  /** Sent as `authorization: Bearer`. Use TLS with it wherever the network is not yours. */
  readonly apiKey?: string;
  /** Plain text when absent. */
  readonly tls?: boolean | TlsOptions;
  /** How long one unary call may take. */
  readonly timeoutMs?: number;
  /** A stream over which the server says nothing for so long, though there is something to say, is taken for cut. */
  readonly stallTimeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  /**
   * Where transfers of paths leave a note so that another process can resume them; per user when absent, nowhere when null.
   */
  readonly notesFolder?: string | null;
  /** Clock and chance; only tests have a reason to set it. */
  readonly surroundings?: Surroundings;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ListOptions extends CallOptions {
  /** AIP-160, for example `labels.project = "x" AND size_bytes > 1000`. */
  readonly filter?: string;
  /** For example `create_time desc`. */
  readonly orderBy?: string;
  /** How many files one request brings; the server may give fewer. */
  readonly pageSize?: number;
  readonly showDeleted?: boolean;
}

/** Fields that are given are changed; `null` takes a time away. */
export interface FileUpdate {
  readonly displayName?: string;
  readonly mediaType?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly expireTime?: Date | null;
  readonly retainUntilTime?: Date | null;
}

export interface DeleteOptions extends CallOptions {
  /** Only if the file is still as it was. */
  readonly etag?: string;
  /** A file that is not there is no error. */
  readonly allowMissing?: boolean;
}

export interface Digest {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * A connection to one tenant's files. Every method rejects with a LongshoreClientError where the server refused or could not
 * be reached in the tries allowed, and with the signal's reason where that was aborted. Files are named by their full name or by their id alone.
 */
export class LongshoreClient {
  readonly #context: GetContext;

  constructor(options: ConnectOptions) {
    const surroundings = options.surroundings ?? systemSurroundings;
    const { address, tenant, apiKey, tls, timeoutMs = TIMEOUT_MS } = options;
    const folder = options.notesFolder === undefined ? defaultNotesFolder() : options.notesFolder;
    this.#context = {
      address,
      tenant,
      surroundings,
      stallTimeoutMs: options.stallTimeoutMs ?? STALL_TIMEOUT_MS,
      channel: new Channel({ address, apiKey, tls, timeoutMs }, surroundings),
      retry: { ...DEFAULT_RETRY_POLICY, ...options.retry },
      notes: folder === null ? undefined : new ResumeNotes(folder, () => surroundings.nowMs()),
    };
  }

  /**
   * Uploads a path, bytes or a stream, and resolves when the server has it on disk under the digest of what was sent. Cuts
   * on the way are resumed from what the server acknowledged. When the process ends half-way, the next `put` of the same
   * unchanged path resumes too. A stream is kept in memory as far as it is not acknowledged: at most 12 MiB.
   */
  put(
    source: string | Uint8Array | Readable | AsyncIterable<Uint8Array>,
    options: PutOptions = {},
  ): Promise<PutResult> {
    return put(this.#context, source, options);
  }

  /**
   * Reads a file, or `sha256:<hex>`, into a path or a stream, and resolves when all of it is there and verified. A path appears whole and
   * on disk, replacing what was there; until then the bytes are in `<path>.longshore-part`, from where the next
   * `get` of the same content goes on. A stream gets the bytes in order and is not ended; if the digest turns out wrong
   * this rejects (DATA_LOSS) when the stream has had them.
   */
  get(nameOrDigest: string, to: string | Writable, options: GetOptions = {}): Promise<GetResult> {
    return get(this.#context, nameOrDigest, to, options);
  }

  async stat(name: string, options: CallOptions = {}): Promise<File> {
    return fileFromMessage(await this.#call('GetFile', { name: this.#name(name) }, options));
  }

  /** Every file that fits, page by page, stable while others write. */
  async *list(options: ListOptions = {}): AsyncGenerator<File, void, undefined> {
    const { filter = '', orderBy = '', pageSize = 500, showDeleted = false } = options;
    let pageToken = '';
    do {
      const page = await this.#call(
        'ListFiles',
        { parent: this.#parent(), filter, orderBy, pageSize, pageToken, showDeleted },
        options,
      );
      for (const file of page.files) yield fileFromMessage(file);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }

  /** Changes the record, not the content. With `etag`, only if it is still as it was (ETAG_MISMATCH otherwise). */
  async update(
    name: string,
    changes: FileUpdate,
    options: CallOptions & { etag?: string } = {},
  ): Promise<File> {
    const file: FileInput = { name: this.#name(name), etag: options.etag ?? '' };
    const paths: string[] = [];
    if (changes.displayName !== undefined) {
      file.displayName = changes.displayName;
      paths.push('display_name');
    }
    if (changes.mediaType !== undefined) {
      file.mediaType = changes.mediaType;
      paths.push('media_type');
    }
    if (changes.labels !== undefined) {
      file.labels = changes.labels;
      paths.push('labels');
    }
    if (changes.expireTime !== undefined) {
      file.expireTime = changes.expireTime && timestampFromDate(changes.expireTime);
      paths.push('expire_time');
    }
    if (changes.retainUntilTime !== undefined) {
      file.retainUntilTime = changes.retainUntilTime && timestampFromDate(changes.retainUntilTime);
      paths.push('retain_until_time');
    }
    return fileFromMessage(await this.#call('UpdateFile', { file, updateMask: { paths } }, options));
  }

  /** A second record of the same content; no bytes move. The server makes an id when none is given. */
  async copy(name: string, options: CallOptions & { fileId?: string } = {}): Promise<File> {
    const request = {
      name: this.#name(name),
      parent: this.#parent(),
      fileId: options.fileId ?? '',
      requestId: this.#context.surroundings.uniqueId(),
    };
    return fileFromMessage(await this.#call('CopyFile', request, options));
  }

  /** Soft: `undelete` brings it back until its `purgeTime`. */
  async delete(name: string, options: DeleteOptions = {}): Promise<File> {
    const request = {
      name: this.#name(name),
      etag: options.etag ?? '',
      allowMissing: options.allowMissing ?? false,
      requestId: this.#context.surroundings.uniqueId(),
    };
    return fileFromMessage(await this.#call('DeleteFile', request, options));
  }

  async undelete(name: string, options: CallOptions & { etag?: string } = {}): Promise<File> {
    const request = { name: this.#name(name), etag: options.etag ?? '' };
    return fileFromMessage(await this.#call('UndeleteFile', request, options));
  }

  /**
   * Has the server read the content again and compare it with its digest; resolves when it is good. Rejects with
   * BLOB_CORRUPT (its metadata says which chunk) when it is not, or could not be repaired.
   */
  async verify(name: string, options: CallOptions & { repair?: boolean } = {}): Promise<void> {
    const request = { name: this.#name(name), repair: options.repair ?? false };
    let operation: OperationMessage = await this.#call('VerifyFile', request, options);
    while (!operation.done) {
      await this.#context.surroundings.sleep(OPERATION_POLL_MS, options.signal);
      operation = await this.#call('GetOperation', { name: operation.name }, options);
    }
    if (operation.error) throw fromStatus(operation.error);
  }

  /** Those of the digests whose content this tenant does not hold. */
  async findMissing(digests: readonly Digest[], options: CallOptions = {}): Promise<Digest[]> {
    const request = { parent: this.#parent(), digests: [...digests] };
    return (await this.#call('FindMissingBlobs', request, options)).missing;
  }

  /** Ends the connection; calls under way fail. */
  close(): void {
    this.#context.channel.close();
  }

  #call<Name extends keyof Methods>(
    name: Name,
    request: Methods[Name]['request'],
    { signal }: CallOptions,
  ): Promise<Methods[Name]['response']> {
    const { channel, retry: policy, surroundings } = this.#context;
    return withRetries({ policy, surroundings, signal, reached: () => channel.reached }, () =>
      channel.unary(name, request, signal),
    );
  }

  #parent(): string {
    return `tenants/${this.#context.tenant}`;
  }

  #name(name: string): string {
    return fileName(name, this.#context.tenant);
  }
}

/** A client for one tenant of one server. It connects when it is first used. */
export function connect(options: ConnectOptions): LongshoreClient {
  return new LongshoreClient(options);
}
