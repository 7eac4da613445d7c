import type { Space } from '../blobs/blob-store.ts';
import type { PartFiles } from '../blobs/part-files.ts';
import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import { OpenUpload } from './open-upload.ts';
import { isStorageFull, storageFull } from './storage-full.ts';
import { uploadClosed, writerSuperseded } from './upload-closed.ts';
import type { UploadStore } from './upload-store.ts';
import type { UploadRecord } from './upload.ts';

/** That some process took an upload over. */
export interface UploadClaim {
  tenantId: string;
  uploadId: string;
  epoch: number;
  /** The claimant shares it with nobody, though it be parallel. */
  alone: boolean;
}

interface Held {
  readonly open: OpenUpload;
  /** No other writer may join. */
  readonly exclusive: boolean;
  /** Settles when it is known whether the upload still takes bytes; its record when it does not. */
  ready: Promise<OpenUpload | UploadRecord>;
  writers: number;
}

/** A part file on its way to be opened. Claims that are heard meanwhile count. */
interface Opening {
  readonly upload: UploadRecord;
  superseded: boolean;
}

/**
 * The uploads that this process is taking bytes for. The newest writer wins a sequential upload, in whichever process
 * it is: it claims the upload in the database, everyone hears of it, the older one lets the part file go.
 */
export class UploadReceiver {
  readonly #held = new Map<string, Held>();
  readonly #opening = new Set<Opening>();
  readonly #store: UploadStore;
  readonly #partFiles: PartFiles;
  readonly #clock: Clock;
  readonly #bytesMax: (mediaType: string) => number;
  readonly #space: () => Promise<Space>;

  /** `space`: the room where part files are. */
  constructor(
    store: UploadStore,
    partFiles: PartFiles,
    clock: Clock,
    bytesMax: (mediaType: string) => number,
    space: () => Promise<Space>,
  ) {
    this.#store = store;
    this.#partFiles = partFiles;
    this.#clock = clock;
    this.#bytesMax = bytesMax;
    this.#space = space;
  }

  /**
   * Becomes a writer of the upload. One that is completed, or was left half finalised, is returned as its record, so that
   * finishing twice gives the same file. Throws UPLOAD_NOT_FOUND, UPLOAD_EXPIRED, UPLOAD_CLOSED, WRITER_SUPERSEDED, STORAGE_FULL.
   */
  async attach(tenantId: string, uploadId: string, signal: AbortSignal): Promise<OpenUpload | UploadRecord> {
    const shared = this.#held.get(uploadId);
    if (shared && shared.open.upload.tenantId === tenantId && canBeJoined(shared)) {
      shared.writers += 1;
      return shared.ready;
    }
    const upload = await this.#claim(tenantId, uploadId, false);
    if (upload.state !== 'open') return upload;
    if (!upload.parallel) await this.release(uploadId, writerSuperseded());
    return this.#open(upload, !upload.parallel, signal);
  }

  /** Takes the upload from everybody, also a parallel one, to finish it. */
  async attachAlone(
    tenantId: string,
    uploadId: string,
    signal: AbortSignal,
  ): Promise<OpenUpload | UploadRecord> {
    const upload = await this.#claim(tenantId, uploadId, true);
    if (upload.state !== 'open') return upload;
    await this.release(uploadId, writerSuperseded());
    return this.#open(upload, true, signal);
  }

  /** A writer is done; the last one lets the part file go. */
  async detach(open: OpenUpload): Promise<void> {
    const held = this.#held.get(open.upload.uploadId);
    if (held?.open !== open) return;
    held.writers -= 1;
    if (held.writers > 0) return;
    this.#held.delete(open.upload.uploadId);
    await open.end(writerSuperseded());
  }

  /** A claim was announced: whoever holds that upload with an older epoch, or is about to, lets go. */
  heard(claim: UploadClaim): void {
    for (const opening of this.#opening) opening.superseded ||= isOlder(opening.upload, claim);
    const held = this.#held.get(claim.uploadId);
    if (held && isOlder(held.open.upload, claim)) void this.#yield(held, claim);
  }

  /** Announcements may have been missed: asks the database for every upload held here. Rejects when it does not answer. */
  async recheck(): Promise<void> {
    for (const held of [...this.#held.values()]) {
      const { tenantId, uploadId } = held.open.upload;
      try {
        const epoch = await this.#store.epoch(tenantId, uploadId);
        this.heard({ tenantId, uploadId, epoch, alone: false });
      } catch (error) {
        if (!(error instanceof LongshoreError) || error.reason !== 'UPLOAD_NOT_FOUND') throw error;
        await this.#letGo(held, error);
      }
    }
  }

  /** Ends every writer of one upload: it was cancelled, or is about to be finalised alone. */
  async release(uploadId: string, reason: LongshoreError): Promise<void> {
    const held = this.#held.get(uploadId);
    if (held) await this.#letGo(held, reason);
  }

  /** Ends every writer with `reason`; what was acknowledged stays for another process to go on with. */
  async close(reason: LongshoreError): Promise<void> {
    await Promise.allSettled([...this.#held.values()].map((held) => this.#letGo(held, reason)));
  }

  #claim(tenantId: string, uploadId: string, alone: boolean): Promise<UploadRecord> {
    return this.#store.claim(tenantId, uploadId, new Date(this.#clock.nowMs()), alone);
  }

  async #open(
    upload: UploadRecord,
    exclusive: boolean,
    signal: AbortSignal,
  ): Promise<OpenUpload | UploadRecord> {
    const opening: Opening = { upload, superseded: false };
    this.#opening.add(opening);
    try {
      const open = await this.#openPart(upload, exclusive, signal);
      const other = this.#held.get(upload.uploadId);
      if (other && !exclusive && canBeJoined(other)) {
        // Two parallel streams opened it at once: the second joins the first.
        other.writers += 1;
        await open.end(writerSuperseded());
        return await other.ready;
      }
      const held: Held = { open, exclusive, writers: 1, ready: Promise.resolve(open) };
      this.#held.set(upload.uploadId, held);
      held.ready = this.#checked(held, opening);
      return await held.ready;
    } finally {
      this.#opening.delete(opening);
    }
  }

  /** Whoever had the part file before may have ended the upload, and a newer writer may wait for it by now. */
  async #checked(held: Held, opening: Opening): Promise<OpenUpload | UploadRecord> {
    const { tenantId, uploadId, writerEpoch } = held.open.upload;
    try {
      const now = await this.#store.get(tenantId, uploadId);
      if (now.state === 'open') {
        if (opening.superseded || (held.exclusive && now.writerEpoch > writerEpoch)) throw writerSuperseded();
        return held.open;
      }
      // What was removed with the end of the upload was made anew by opening it.
      if (now.state !== 'finalizing') await this.#partFiles.discard(uploadId);
      await this.#letGo(held, writerSuperseded());
      if (now.state === 'completed' || now.state === 'finalizing') return now;
      throw uploadClosed(now.state, now.expireTime);
    } catch (error) {
      await this.#letGo(held, writerSuperseded());
      throw error;
    }
  }

  async #openPart(upload: UploadRecord, exclusive: boolean, signal: AbortSignal): Promise<OpenUpload> {
    const { uploadId: id, writerEpoch, totalSize: totalBytes } = upload;
    const full = async (neededBytes: number, cause: unknown) =>
      storageFull(neededBytes, await this.#space(), cause);
    try {
      const part = await this.#partFiles.open(
        { id, session: String(writerEpoch), exclusive, totalBytes },
        signal,
      );
      const bytesMax = this.#bytesMax(upload.file.mediaType);
      return new OpenUpload(upload, { part, bytesMax, storageFull: full });
    } catch (error) {
      throw isStorageFull(error) ? await full(totalBytes ?? 0, error) : error;
    }
  }

  /** Never rejects. Who wants an upload alone may have ended it, which its writers should hear. */
  async #yield(held: Held, claim: UploadClaim): Promise<void> {
    const find = () => this.#store.get(claim.tenantId, claim.uploadId);
    const now = claim.alone ? await find().catch(() => null) : null;
    const ended = now && now.state !== 'open' && now.state !== 'finalizing' && now.state !== 'completed';
    await this.#letGo(held, ended ? uploadClosed(now.state, now.expireTime) : writerSuperseded());
  }

  async #letGo(held: Held, reason: LongshoreError): Promise<void> {
    const { uploadId } = held.open.upload;
    if (this.#held.get(uploadId) === held) this.#held.delete(uploadId);
    await held.open.end(reason);
  }
}

function canBeJoined({ open, exclusive }: Held): boolean {
  return !exclusive && !open.ended.aborted;
}

/** Whether this claim takes the upload from its holder. Writers of a parallel upload leave each other alone. */
function isOlder(upload: UploadRecord, claim: UploadClaim): boolean {
  if (upload.uploadId !== claim.uploadId || upload.writerEpoch >= claim.epoch) return false;
  return claim.alone || !upload.parallel;
}
