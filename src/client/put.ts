import { basename, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { bufferSource } from './buffer-source.ts';
import type { Channel } from './channel.ts';
import { LongshoreClientError } from './client-error.ts';
import { ContentDigest, hashUpTo } from './content-digest.ts';
import type { ContentSource } from './content-source.ts';
import { fromStatus } from './error-details.ts';
import { fileFromMessage, timestampFromDate, type File } from './file.ts';
import { openFileSource } from './file-source.ts';
import type { DigestMessage, FileMessage, FileInput, UploadMessage } from './messages.ts';
import { NO_NOTE, type NoteClaim, type ResumeNotes } from './resume-notes.ts';
import { isRetryable, withRetries, type RetryEvent, type RetryPolicy } from './retry.ts';
import { sendContent } from './send-content.ts';
import { StreamSource } from './stream-source.ts';
import type { Surroundings } from './surroundings.ts';

const MIB = 1024 * 1024;
const CHUNK_BYTES = MIB;
/** The server acknowledges at least every 8 MiB; four chunks may be on the way meanwhile. */
const STREAM_KEPT_BYTES_MAX = 8 * MIB + 4 * CHUNK_BYTES;
/** Below this the server has acknowledged nothing yet when a transfer is cut, so a note would be of no use. */
const NOTE_BYTES_MIN = 8 * MIB;
const CANCEL_TIMEOUT_MS = 2_000;
/** What a remembered upload that is no more is answered with. */
const UPLOAD_IS_GONE: ReadonlySet<string> = new Set(['NOT_FOUND', 'FAILED_PRECONDITION', 'INVALID_ARGUMENT']);
/** After these the same upload can only fail again. Anything else (no room, no credentials, cut) may be mended and resumed. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  'INVALID_ARGUMENT',
  'FAILED_PRECONDITION',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'DATA_LOSS',
]);
const FINAL_REASONS: ReadonlySet<string> = new Set(['SOURCE_CHANGED', 'OVERLAP_DIFFERS']);

/** A path, bytes in memory, or a stream of bytes. */
export type PutSource = string | Uint8Array | Readable | AsyncIterable<Uint8Array>;

export interface PutProgress {
  /** `hashing` reads the source to learn its digest; `sending` counts what is on the server's disk. */
  readonly phase: 'hashing' | 'sending';
  /** Never goes down within a phase. */
  readonly bytesDone: number;
  readonly bytesTotal: number | undefined;
}

export interface PutOptions {
  /** What people call it; `/` makes folders in it. A path's last part when absent; bytes and streams need one. */
  readonly name?: string;
  /** The id it is to have; the server makes one when absent. */
  readonly fileId?: string;
  /** Found out by the server when absent. */
  readonly mediaType?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly expireTime?: Date;
  readonly retainUntilTime?: Date;
  /** Refuse (ALREADY_EXISTS) instead of replacing the file that has this id. */
  readonly mustNotExist?: boolean;
  /** SHA-256 in hex that the content must have. Where it is told, nothing is hashed on this side. */
  readonly expectedDigest?: string;
  /** How many bytes a stream will give, where that is known. */
  readonly sizeBytes?: number;
  /**
   * `ask` (the default for paths and bytes): the content is hashed first, at some 2 GB/s and far faster than any network, and
   * not sent at all when this tenant holds it. `no`: it is hashed while it is sent; one pass over it, the right choice for
   * content that is surely new on a very fast network. Streams are always `no` unless digest and size are told.
   */
  readonly dedupe?: 'ask' | 'no';
  readonly onProgress?: (progress: PutProgress) => void;
  /** Something went wrong on the way and is being tried again. */
  readonly onRetry?: (event: RetryEvent) => void;
  /** Aborting it ends the transfer; that of a path can be resumed by calling `put` again. */
  readonly signal?: AbortSignal;
}

export interface PutResult extends File {
  /** The server held these bytes already and none were sent. */
  readonly deduplicated: boolean;
  /** Bytes that the server had from an earlier call of `put` when this one began to send. */
  readonly resumedFromBytes: number;
}

export interface PutContext {
  readonly channel: Channel;
  readonly surroundings: Surroundings;
  readonly retry: RetryPolicy;
  readonly notes: ResumeNotes | undefined;
  readonly address: string;
  readonly tenant: string;
  readonly stallTimeoutMs: number;
}

/** See `LongshoreClient.put`. */
export async function put(context: PutContext, from: PutSource, options: PutOptions): Promise<PutResult> {
  const spec = fileSpec(from, options);
  let source: ContentSource;
  let claim: NoteClaim | undefined;
  if (typeof from === 'string') {
    const file = await openFileSource(from);
    source = file;
    if (file.sizeBytes >= NOTE_BYTES_MIN) {
      const key = [context.address, context.tenant, resolve(from), String(file.sizeBytes), file.modifiedNs];
      claim = await context.notes?.claim(['put', ...key, JSON.stringify([spec, options.fileId ?? ''])]);
    }
  } else if (from instanceof Uint8Array) {
    source = bufferSource(from);
  } else {
    source = new StreamSource(from, options.sizeBytes, STREAM_KEPT_BYTES_MAX);
  }
  const transfer = new PutTransfer(context, source, spec, options, claim ?? NO_NOTE);
  try {
    return await transfer.run();
  } finally {
    await source.close();
  }
}

function fileSpec(from: PutSource, options: PutOptions): FileInput {
  const displayName = options.name ?? (typeof from === 'string' ? basename(from) : undefined);
  if (displayName === undefined)
    throw new TypeError('Bytes and streams have no name of their own: give one.');
  return {
    displayName,
    ...(options.mediaType === undefined ? {} : { mediaType: options.mediaType }),
    labels: options.labels ?? {},
    ...(options.expireTime === undefined ? {} : { expireTime: timestampFromDate(options.expireTime) }),
    ...(options.retainUntilTime === undefined
      ? {}
      : { retainUntilTime: timestampFromDate(options.retainUntilTime) }),
  };
}

/** One file on its way, over as many streams as it takes. */
class PutTransfer {
  readonly #context: PutContext;
  readonly #source: ContentSource;
  readonly #spec: FileInput;
  readonly #options: PutOptions;
  readonly #note: NoteClaim;
  readonly #digest = new ContentDigest();
  /** What the content must turn out to be, once that is known. */
  #expected: DigestMessage | undefined;
  #bytesReported = 0;
  #resumedFromBytes = 0;
  #uploadName: string | undefined;

  constructor(
    context: PutContext,
    source: ContentSource,
    spec: FileInput,
    options: PutOptions,
    note: NoteClaim,
  ) {
    this.#context = context;
    this.#source = source;
    this.#spec = spec;
    this.#options = options;
    this.#note = note;
  }

  async run(): Promise<PutResult> {
    try {
      this.#expected = await this.#knowDigest();
      const upload = (await this.#remembered()) ?? (await this.#create());
      this.#resumedFromBytes = upload.state === 'OPEN' ? upload.persistedSize : 0;
      const message = await this.#finish(upload);
      this.#verify(message);
      await this.#note.forget();
      return {
        ...fileFromMessage(message),
        deduplicated: upload.deduplicated,
        resumedFromBytes: this.#resumedFromBytes,
      };
    } catch (error) {
      const useless = isUseless(error);
      // Nobody can take up what has no note: its bytes need not lie at the server until they expire.
      if (useless || this.#note === NO_NOTE) await this.#cancelUpload();
      await (useless ? this.#note.forget() : this.#note.letGo());
      throw error;
    }
  }

  async #knowDigest(): Promise<DigestMessage | undefined> {
    const { expectedDigest, dedupe = 'ask', signal, onProgress } = this.#options;
    const sizeBytes = this.#source.sizeBytes;
    if (sizeBytes === undefined) return undefined;
    if (expectedDigest !== undefined) return { sha256: expectedDigest.toLowerCase(), sizeBytes };
    if (!this.#source.rereadable || dedupe === 'no') return undefined;
    await hashUpTo(this.#digest, this.#source, sizeBytes, {
      readBytes: CHUNK_BYTES,
      signal,
      onHashed: (bytesDone) => onProgress?.({ phase: 'hashing', bytesDone, bytesTotal: sizeBytes }),
    });
    return this.#digest.value();
  }

  /** The upload that an earlier process began, while the server still takes it. */
  async #remembered(): Promise<UploadMessage | undefined> {
    const name = this.#note.note?.['upload'];
    if (typeof name !== 'string') return undefined;
    try {
      const upload = await this.#call((signal) => this.#context.channel.unary('GetUpload', { name }, signal));
      this.#uploadName = name;
      const same = this.#expected === undefined || upload.expectedDigest?.sha256 === this.#expected.sha256;
      return same && upload.totalSize === this.#source.sizeBytes && isLive(upload) ? upload : undefined;
    } catch (error) {
      if (error instanceof LongshoreClientError && UPLOAD_IS_GONE.has(error.code)) return undefined;
      throw error;
    }
  }

  async #create(): Promise<UploadMessage> {
    const requestId = this.#context.surroundings.uniqueId();
    const request = {
      parent: `tenants/${this.#context.tenant}`,
      file: this.#spec,
      fileId: this.#options.fileId ?? '',
      requestId,
      mustNotExist: this.#options.mustNotExist ?? false,
      ...(this.#source.sizeBytes === undefined ? {} : { totalSize: this.#source.sizeBytes }),
      ...(this.#expected === undefined ? {} : { expectedDigest: this.#expected }),
    };
    const upload = await this.#call((signal) => this.#context.channel.unary('CreateUpload', request, signal));
    this.#uploadName = upload.name;
    if (upload.state !== 'COMPLETED') await this.#note.write({ upload: upload.name });
    return upload;
  }

  /** Streams until the file is there; asks where things stand before each stream but the first. */
  #finish(first: UploadMessage): Promise<FileMessage> {
    let upload: UploadMessage | undefined = first;
    let knownSize = first.persistedSize;
    return this.#retrying(async (progressed) => {
      upload ??= await this.#context.channel.unary('GetUpload', { name: first.name }, this.#options.signal);
      const { state, file, persistedSize } = upload;
      const error = upload.error;
      upload = undefined;
      if (state === 'COMPLETED' && file !== null) return file;
      if (state === 'FAILED' && error !== null) throw fromStatus(error);
      // The cut may have taken the acknowledgement and left the bytes.
      if (persistedSize > knownSize) progressed();
      knownSize = persistedSize;
      // A stream's early bytes are hashed already; a path's are read once more when another process had sent them.
      await hashUpTo(this.#digest, this.#source, this.#expected === undefined ? persistedSize : 0, {
        readBytes: CHUNK_BYTES,
        signal: this.#options.signal,
      });
      this.#source.release(persistedSize);
      this.#report(persistedSize);
      return sendContent(() => this.#context.channel.writeUpload(), {
        upload: first.name,
        source: this.#source,
        from: persistedSize,
        chunkBytes: CHUNK_BYTES,
        stallTimeoutMs: this.#context.stallTimeoutMs,
        signal: this.#options.signal,
        onRead: (offset, content) => {
          if (this.#expected === undefined) this.#digest.add(offset, content);
        },
        onAcknowledged: (bytes) => {
          progressed();
          this.#report(bytes);
        },
        finalDigest: () => this.#finalDigest(),
      });
    });
  }

  #finalDigest(): DigestMessage {
    if (this.#expected !== undefined) return this.#expected;
    const actual = this.#digest.value();
    const wanted = this.#options.expectedDigest?.toLowerCase();
    if (wanted !== undefined && wanted !== actual.sha256) throw digestMismatch(wanted, actual.sha256);
    this.#expected = actual;
    return actual;
  }

  #verify(file: FileMessage): void {
    const sent = this.#expected;
    if (sent === undefined || file.digest === null) return;
    if (file.digest.sha256 !== sent.sha256) throw digestMismatch(sent.sha256, file.digest.sha256);
    this.#report(sent.sizeBytes);
  }

  /** As well as it goes: the error that led here is the one to tell. */
  async #cancelUpload(): Promise<void> {
    if (this.#uploadName === undefined) return;
    const request = { name: this.#uploadName };
    const signal = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
    await this.#context.channel.unary('CancelUpload', request, signal).catch(() => undefined);
  }

  #report(bytesDone: number): void {
    this.#bytesReported = Math.max(this.#bytesReported, bytesDone);
    this.#options.onProgress?.({
      phase: 'sending',
      bytesDone: this.#bytesReported,
      bytesTotal: this.#source.sizeBytes,
    });
  }

  #call<T>(attempt: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    return this.#retrying(() => attempt(this.#options.signal));
  }

  #retrying<T>(attempt: (progressed: () => void) => Promise<T>): Promise<T> {
    const { signal, onRetry } = this.#options;
    const { retry: policy, surroundings, channel } = this.#context;
    return withRetries({ policy, surroundings, signal, onRetry, reached: () => channel.reached }, attempt);
  }
}

function isLive(upload: UploadMessage): boolean {
  if (upload.state === 'COMPLETED') return upload.file?.state === 'ACTIVE';
  return upload.state === 'OPEN' || upload.state === 'FINALIZING';
}

function isUseless(error: unknown): boolean {
  if (!(error instanceof LongshoreClientError) || isRetryable(error)) return false;
  return FINAL_CODES.has(error.code) || FINAL_REASONS.has(error.reason);
}

function digestMismatch(expected: string, actual: string): LongshoreClientError {
  return new LongshoreClientError(
    'DATA_LOSS',
    'DIGEST_MISMATCH',
    `The content has the digest ${actual} and should have ${expected}.`,
    { metadata: { expected, actual } },
  );
}
