import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { abandonable } from './abandonable.ts';
import type { Channel } from './channel.ts';
import { LongshoreClientError } from './client-error.ts';
import { ContentDigest } from './content-digest.ts';
import { crc32c } from './crc32c.ts';
import type { Destination } from './destination.ts';
import { fileFromMessage, type File } from './file.ts';
import type { ReadFileRequest, ReadHeaderMessage } from './messages.ts';
import { PartFile } from './part-file.ts';
import { receiveContent, type ReceivedTrailer } from './receive-content.ts';
import { NO_NOTE, type NoteClaim, type ResumeNotes } from './resume-notes.ts';
import { isRetryable, withRetries, type RetryEvent, type RetryPolicy } from './retry.ts';
import type { Surroundings } from './surroundings.ts';
import { parseTarget, type Target } from './target.ts';
import { writableDestination } from './writable-destination.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Below this, starting again costs less than keeping a note. */
const NOTE_BYTES_MIN = 8 * 1024 * 1024;
/** How often the record may change under a read before it is given up. */
const CHANGES_MAX = 5;

/** A path, or a stream that takes bytes. */
export type GetDestination = string | Writable;

/** Bytes [offset, offset + length); without length to the end; a negative offset counts from the end. */
export interface Range {
  readonly offset: number;
  readonly length?: number;
}

export interface GetProgress {
  /** `checking` reads back what an earlier call left on this side's disk. */
  readonly phase: 'checking' | 'receiving';
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface GetOptions {
  /** The whole content when absent. Only that is proved by its SHA-256; a part of it by CRC32C. */
  readonly range?: Range;
  readonly onProgress?: (progress: GetProgress) => void;
  /** Something went wrong on the way and is being tried again. */
  readonly onRetry?: (event: RetryEvent) => void;
  /** Aborting it ends the read; that into a path can be resumed by calling `get` again. */
  readonly signal?: AbortSignal;
}

export interface GetResult extends File {
  /** Bytes that came over the network in this call. */
  readonly bytesReceived: number;
  /** Bytes that were there from an earlier call, read back and found good. */
  readonly resumedFromBytes: number;
  /** Which tier the server read from: memory, disk, remote. */
  readonly servedFrom: string;
}

export interface GetContext {
  readonly channel: Channel;
  readonly surroundings: Surroundings;
  readonly retry: RetryPolicy;
  readonly notes: ResumeNotes | undefined;
  readonly address: string;
  readonly tenant: string;
  readonly stallTimeoutMs: number;
}

/** See `LongshoreClient.get`. */
export async function get(
  context: GetContext,
  nameOrDigest: string,
  to: GetDestination,
  options: GetOptions,
): Promise<GetResult> {
  const target = parseTarget(nameOrDigest, context.tenant);
  const note = typeof to === 'string' ? await claimPath(context, to, target) : NO_NOTE;
  return new GetTransfer(context, target, to, options, note).run();
}

async function claimPath(context: GetContext, path: string, target: Target): Promise<NoteClaim> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() === true) throw new TypeError(`"${path}" is a folder; name the file in it.`);
  if (context.notes === undefined) return NO_NOTE;
  // The claim is the path's: two transfers into one part file would mix, whatever they fetch.
  const claim = await context.notes.claim(['get', resolve(path)]);
  if (claim === undefined) throw new Error(`Another transfer is writing to "${path}".`);
  const same = claim.note?.['address'] === context.address && claim.note['target'] === targetText(target);
  return same ? claim : { ...claim, note: undefined };
}

function targetText(target: Target): string {
  return target.kind === 'file' ? target.name : `sha256:${target.sha256}`;
}

/** One read, over as many streams as it takes. */
class GetTransfer {
  readonly #context: GetContext;
  readonly #target: Target;
  readonly #to: GetDestination;
  readonly #options: GetOptions;
  readonly #note: NoteClaim;
  #destination: Destination | undefined;
  #digest = new ContentDigest();
  /** Of what the present stream brought: its trailer speaks of no other. */
  #streamCrc = 0;
  /** The record as it was when the first byte came. */
  #file: File | undefined;
  /** The first byte wanted, the next one due and the end, as offsets in the content. */
  #begin = 0;
  #position: number | undefined;
  #end = 0;
  #bytesReceived = 0;
  #resumedFromBytes = 0;
  #servedFrom = '';
  #changes = 0;

  constructor(context: GetContext, target: Target, to: GetDestination, options: GetOptions, note: NoteClaim) {
    this.#context = context;
    this.#target = target;
    this.#to = to;
    this.#options = options;
    this.#note = note;
  }

  async run(): Promise<GetResult> {
    const { signal, onRetry } = this.#options;
    const { retry: policy, surroundings, channel } = this.#context;
    const retries = { policy, surroundings, signal, onRetry, reached: () => channel.reached };
    try {
      await withRetries(retries, () => this.#takeUp());
      await withRetries(retries, (progressed) => this.#attempt(progressed));
      await this.#destination?.commit();
      await this.#note.forget();
    } catch (error) {
      const resumable = this.#isWhole() && this.#file !== undefined && isWorthKeeping(error);
      await this.#destination?.abandon(resumable && this.#file!.sizeBytes >= NOTE_BYTES_MIN);
      await (resumable ? this.#note.letGo() : this.#note.forget());
      throw error;
    }
    return {
      ...this.#file!,
      bytesReceived: this.#bytesReceived,
      resumedFromBytes: this.#resumedFromBytes,
      servedFrom: this.#servedFrom,
    };
  }

  /** Goes on from what an earlier call left, when it was of the same content. */
  async #takeUp(): Promise<void> {
    const sha256 = this.#note.note?.['sha256'];
    const sizeBytes = this.#note.note?.['sizeBytes'];
    if (typeof this.#to !== 'string' || typeof sha256 !== 'string' || typeof sizeBytes !== 'number') return;
    if (!this.#isWhole()) return;
    const current = await this.#stat();
    if (current !== undefined && current.sha256 !== sha256) return;
    const part = await PartFile.reopen(this.#to);
    if (part === null) return;
    this.#destination = part;
    if (part.sizeBytes > sizeBytes) await part.restart();
    const report = (bytesDone: number): void => this.#report('checking', bytesDone, sizeBytes);
    await part.hashInto(this.#digest, this.#options.signal, report);
    this.#file = current;
    this.#end = sizeBytes;
    this.#position = part.sizeBytes;
    this.#resumedFromBytes = part.sizeBytes;
  }

  async #attempt(progressed: () => void): Promise<void> {
    if (!this.#isWhole() && this.#position !== undefined && this.#position >= this.#end) return;
    try {
      const trailer = await receiveContent(this.#context.channel.readFile(this.#request()), {
        stallTimeoutMs: this.#context.stallTimeoutMs,
        signal: this.#options.signal,
        onHeader: (header) => this.#begun(header),
        onContent: async (content) => {
          await this.#take(content);
          progressed();
        },
      });
      this.#prove(trailer);
    } catch (error) {
      await this.#recover(error);
      return this.#attempt(progressed);
    }
  }

  #request(): ReadFileRequest {
    const { range } = this.#options;
    const offset = this.#position ?? range?.offset ?? 0;
    const limit =
      range?.length === undefined ? 0 : this.#position === undefined ? range.length : this.#end - offset;
    const tenant = `tenants/${this.#context.tenant}`;
    return {
      ...(this.#target.kind === 'file'
        ? { file: this.#target.name }
        : { digest: { sha256: this.#target.sha256 }, parent: tenant }),
      offset,
      limit,
      preferredChunkBytes: CHUNK_BYTES,
      ...(this.#target.kind === 'file' && this.#file !== undefined ? { ifEtagMatch: this.#file.etag } : {}),
    };
  }

  /** Returns the offset that the first byte must have. */
  async #begun(header: ReadHeaderMessage): Promise<number> {
    if (header.file === null)
      throw new LongshoreClientError('INTERNAL', 'INTERNAL', 'The server named no file.');
    const file = fileFromMessage(header.file);
    this.#servedFrom = header.servedFrom;
    this.#streamCrc = 0;
    this.#file ??= file;
    if (this.#position !== undefined) return this.#position;
    this.#begin = header.range?.offset ?? 0;
    const length = header.range?.length ?? 0;
    this.#end = length > 0 ? this.#begin + length : file.sizeBytes;
    this.#position = this.#begin;
    if (typeof this.#to !== 'string') {
      this.#destination ??= writableDestination(this.#to);
    } else {
      this.#destination ??= await PartFile.create(this.#to);
      if (this.#isWhole() && file.sizeBytes >= NOTE_BYTES_MIN) {
        const { sha256, sizeBytes } = file;
        const target = targetText(this.#target);
        await this.#note.write({ address: this.#context.address, target, sha256, sizeBytes });
      }
    }
    this.#report('receiving', 0, this.#end - this.#begin);
    return this.#begin;
  }

  async #take(content: Buffer): Promise<void> {
    // The disk works while we hash.
    const written = this.#destination!.write(content);
    if (this.#isWhole()) this.#digest.add(this.#position!, content);
    else this.#streamCrc = crc32c(content, this.#streamCrc);
    await abandonable(written, this.#options.signal);
    this.#position! += content.length;
    this.#bytesReceived += content.length;
    this.#report('receiving', this.#position! - this.#begin, this.#end - this.#begin);
  }

  #prove(trailer: ReceivedTrailer): void {
    if (this.#position !== this.#end) {
      throw new LongshoreClientError(
        'UNAVAILABLE',
        '',
        `The server ended at byte ${this.#position} of ${this.#end}.`,
      );
    }
    if (!this.#isWhole()) {
      if (trailer.rangeCrc32c !== this.#streamCrc) throw this.#notAsPromised('CRC32C');
      return;
    }
    const actual = this.#digest.value().sha256;
    const promised = this.#target.kind === 'digest' ? this.#target.sha256 : this.#file!.sha256;
    if (actual !== promised || (trailer.digest !== null && trailer.digest.sha256 !== actual)) {
      throw this.#notAsPromised('SHA-256');
    }
  }

  /** Makes another attempt possible where only this side must think again; rethrows everything else. */
  async #recover(error: unknown): Promise<void> {
    if (!(error instanceof LongshoreClientError)) throw error;
    const changed = error.reason === 'ETAG_MISMATCH';
    // Bytes that an earlier process left may be bad (a power cut): they get one more chance from the start.
    const spoiled = error.reason === 'DIGEST_MISMATCH' && this.#resumedFromBytes > 0;
    if (!changed && !spoiled) throw error;
    this.#changes += 1;
    if (this.#changes > CHANGES_MAX) throw error;
    if (changed) {
      const current = await this.#stat();
      const sameContent = current?.sha256 === this.#file?.sha256;
      if (current !== undefined && sameContent) {
        this.#file = current;
        return;
      }
    }
    if (!(await this.#destination?.restart())) throw error;
    this.#digest = new ContentDigest();
    this.#file = undefined;
    this.#position = undefined;
    this.#resumedFromBytes = 0;
  }

  /** The record as it is now; undefined for content asked for by digest, which cannot change. */
  async #stat(): Promise<File | undefined> {
    if (this.#target.kind !== 'file') return this.#file;
    const { name } = this.#target;
    return fileFromMessage(await this.#context.channel.unary('GetFile', { name }, this.#options.signal));
  }

  #isWhole(): boolean {
    return this.#options.range === undefined;
  }

  #report(phase: GetProgress['phase'], bytesDone: number, bytesTotal: number): void {
    this.#options.onProgress?.({ phase, bytesDone, bytesTotal });
  }

  #notAsPromised(sum: string): LongshoreClientError {
    return new LongshoreClientError(
      'DATA_LOSS',
      'DIGEST_MISMATCH',
      `What arrived does not have the ${sum} that the server promised.`,
    );
  }
}

function isWorthKeeping(error: unknown): boolean {
  if (!(error instanceof LongshoreClientError)) return true;
  return (
    isRetryable(error) || ['RESOURCE_EXHAUSTED', 'UNAUTHENTICATED', 'PERMISSION_DENIED'].includes(error.code)
  );
}
