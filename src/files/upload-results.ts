import { LongshoreError } from '../errors.ts';
import type { FileStore } from './file-store.ts';
import type { FileRecord } from './file.ts';
import type { UploadFinalizer } from './finalize-upload.ts';
import { OpenUpload } from './open-upload.ts';
import type { UploadReceiver } from './upload-receiver.ts';
import type { UploadRecord } from './upload.ts';

/** How often an upload that was left half finalised is set right before its writer is told to come back. */
const ATTEMPTS_MAX = 3;

/** The file that an upload becomes, however often it is asked for. */
export class UploadResults {
  readonly #receiver: UploadReceiver;
  readonly #finalizer: UploadFinalizer;
  readonly #files: FileStore;

  constructor(receiver: UploadReceiver, finalizer: UploadFinalizer, files: FileStore) {
    this.#receiver = receiver;
    this.#finalizer = finalizer;
    this.#files = files;
  }

  /**
   * Becomes a writer of the upload (`detach` it from the receiver when done), or gives the file that it has become. One
   * whose process died while finalising is set right first. Throws what `UploadReceiver.attach` throws.
   */
  attach(tenantId: string, uploadId: string, signal: AbortSignal): Promise<OpenUpload | FileRecord> {
    return this.#settled(() => this.#receiver.attach(tenantId, uploadId, signal), signal);
  }

  /** Finishes an upload that its writer holds. */
  async finish(open: OpenUpload, finalSha256: string | null, signal: AbortSignal): Promise<FileRecord> {
    // Others may be writing to a parallel upload, here or elsewhere: only one that holds it alone may hash it.
    if (!open.upload.parallel) return this.#finalizer.finalize(open, finalSha256);
    // The part file is let go and opened anew, which keeps what is on disk.
    await open.sync();
    return this.finishAlone(open.upload, finalSha256, signal);
  }

  /** Takes the upload from all its writers and finishes it. Throws UPLOAD_INCOMPLETE and what `finalize` throws. */
  async finishAlone(
    { tenantId, uploadId }: { tenantId: string; uploadId: string },
    finalSha256: string | null,
    signal: AbortSignal,
  ): Promise<FileRecord> {
    const open = await this.#settled(() => this.#receiver.attachAlone(tenantId, uploadId, signal), signal);
    if (!(open instanceof OpenUpload)) return open;
    try {
      return await this.#finalizer.finalize(open, finalSha256);
    } finally {
      await this.#receiver.detach(open);
    }
  }

  async #settled(
    attach: () => Promise<OpenUpload | UploadRecord>,
    signal: AbortSignal,
  ): Promise<OpenUpload | FileRecord> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const found = await attach();
      if (found instanceof OpenUpload) return found;
      const file = await this.#fileOf(found, signal);
      if (file) return file;
    }
    throw new LongshoreError(
      'WRITER_SUPERSEDED',
      'Others finish this upload again and again: ask what became of it.',
    );
  }

  /** Null when it takes bytes again. */
  #fileOf(upload: UploadRecord, signal: AbortSignal): Promise<FileRecord | null> {
    if (upload.state === 'completed') return this.#files.get(upload.tenantId, upload.file.fileId);
    return this.#finalizer.recover(upload, signal);
  }
}
