import type { PartFiles } from '../blobs/part-files.ts';
import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import { OpenUpload } from './open-upload.ts';
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
  writers: number;
}

/**
 * The uploads that this process is taking bytes for. The newest writer wins a sequential upload, in whichever process
 * it is: it claims the upload in the database, everyone hears of it, the older one lets the part file go.
 */
export class UploadReceiver {
  readonly #held = new Map<string, Held>();
  readonly #store: UploadStore;
  readonly #partFiles: PartFiles;
  readonly #clock: Clock;
  readonly #bytesMax: (mediaType: string) => number;

  constructor(
    store: UploadStore,
    partFiles: PartFiles,
    clock: Clock,
    bytesMax: (mediaType: string) => number,
  ) {
    this.#store = store;
    this.#partFiles = partFiles;
    this.#clock = clock;
    this.#bytesMax = bytesMax;
  }

  /**
   * Becomes a writer of the upload. A completed upload is returned as its record, so that finishing twice gives the
   * same file. Throws UPLOAD_NOT_FOUND, UPLOAD_EXPIRED, UPLOAD_CLOSED, WRITER_SUPERSEDED, STORAGE_FULL.
   */
  async attach(tenantId: string, uploadId: string, signal: AbortSignal): Promise<OpenUpload | UploadRecord> {
    const shared = this.#held.get(uploadId);
    if (
      shared?.open.upload.parallel &&
      shared.open.upload.tenantId === tenantId &&
      !shared.open.ended.aborted
    ) {
      shared.writers += 1;
      return shared.open;
    }
    const upload = await this.#claim(tenantId, uploadId, false);
    if (upload.state !== 'open') return upload;
    if (!upload.parallel) await this.#letGo(uploadId, superseded());
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
    await this.#letGo(uploadId, superseded());
    return this.#open(upload, true, signal);
  }

  /** A writer is done; the last one lets the part file go. */
  async detach(open: OpenUpload): Promise<void> {
    const held = this.#held.get(open.upload.uploadId);
    if (held?.open !== open) return;
    held.writers -= 1;
    if (held.writers > 0) return;
    this.#held.delete(open.upload.uploadId);
    await open.end(superseded());
  }

  /** A claim was announced: whoever holds that upload with an older epoch lets go. */
  heard(claim: UploadClaim): void {
    const held = this.#held.get(claim.uploadId);
    if (!held || held.open.upload.writerEpoch >= claim.epoch) return;
    if (held.open.upload.parallel && !claim.alone) return;
    void this.#letGo(claim.uploadId, superseded());
  }

  /** Announcements may have been missed: asks the database for every upload held here. */
  async recheck(): Promise<void> {
    for (const { open } of [...this.#held.values()]) {
      const { tenantId, uploadId } = open.upload;
      this.heard({ tenantId, uploadId, epoch: await this.#store.epoch(tenantId, uploadId), alone: false });
    }
  }

  /** The part file of an upload held here; null when another process, or none, has it. */
  held(uploadId: string): OpenUpload | null {
    return this.#held.get(uploadId)?.open ?? null;
  }

  /** Ends every writer of one upload: it was cancelled, or is about to be finalised alone. */
  async release(uploadId: string, reason: LongshoreError): Promise<void> {
    await this.#letGo(uploadId, reason);
  }

  /** Ends every writer with `reason`; what was acknowledged stays for another process to go on with. */
  async close(reason: LongshoreError): Promise<void> {
    await Promise.allSettled([...this.#held.keys()].map((uploadId) => this.#letGo(uploadId, reason)));
  }

  #claim(tenantId: string, uploadId: string, alone: boolean): Promise<UploadRecord> {
    return this.#store.claim(tenantId, uploadId, new Date(this.#clock.nowMs()), alone);
  }

  async #open(upload: UploadRecord, exclusive: boolean, signal: AbortSignal): Promise<OpenUpload> {
    const { tenantId, uploadId, writerEpoch } = upload;
    const part = await this.#partFiles.open(
      {
        id: uploadId,
        session: String(writerEpoch),
        exclusive,
        totalBytes: upload.totalSize,
      },
      signal,
    );
    const open = new OpenUpload(upload, part, this.#bytesMax(upload.file.mediaType));
    const other = this.#held.get(uploadId);
    if (other && !exclusive && !other.open.ended.aborted) {
      // Two parallel streams opened it at once: the second joins the first.
      await open.end(superseded());
      other.writers += 1;
      return other.open;
    }
    this.#held.set(uploadId, { open, writers: 1 });
    // A claim made while the part file was being opened was announced before anyone here listened for it.
    if (exclusive && (await this.#store.epoch(tenantId, uploadId)) > writerEpoch) {
      await this.#letGo(uploadId, superseded());
      throw superseded();
    }
    return open;
  }

  async #letGo(uploadId: string, reason: LongshoreError): Promise<void> {
    const held = this.#held.get(uploadId);
    if (!held) return;
    this.#held.delete(uploadId);
    await held.open.end(reason);
  }
}

function superseded(): LongshoreError {
  return new LongshoreError('WRITER_SUPERSEDED', 'A newer writer has taken this upload over.');
}
