import { LongshoreError } from '../errors.ts';
import type { FileStore } from './file-store.ts';
import type { FileRecord } from './file.ts';
import type { UploadFinalizer } from './finalize-upload.ts';
import { OpenUpload } from './open-upload.ts';
import type { UploadReceiver } from './upload-receiver.ts';
import type { UploadRecord } from './upload.ts';

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

  /** Finishes an upload that its writer holds. */
  async finish(open: OpenUpload, finalSha256: string | null, signal: AbortSignal): Promise<FileRecord> {
    // Others may be writing to a parallel upload, here or elsewhere: only one that holds it alone may hash it.
    if (open.upload.parallel) return this.finishAlone(open.upload, finalSha256, signal);
    return this.#finalizer.finalize(open, finalSha256);
  }

  /** Takes the upload from all its writers and finishes it. Throws UPLOAD_INCOMPLETE and what `finalize` throws. */
  async finishAlone(
    { tenantId, uploadId }: { tenantId: string; uploadId: string },
    finalSha256: string | null,
    signal: AbortSignal,
  ): Promise<FileRecord> {
    const open = await this.#receiver.attachAlone(tenantId, uploadId, signal);
    if (!(open instanceof OpenUpload)) return this.of(open, signal);
    try {
      return await this.#finalizer.finalize(open, finalSha256);
    } finally {
      await this.#receiver.detach(open);
    }
  }

  /** The file of an upload that takes no bytes any more. One whose process died while finalising is carried on first. */
  async of(upload: UploadRecord, signal: AbortSignal): Promise<FileRecord> {
    if (upload.state === 'completed') return this.#files.get(upload.tenantId, upload.file.fileId);
    const file = await this.#finalizer.recover(upload, signal);
    if (file) return file;
    throw new LongshoreError(
      'OFFSET_MISMATCH',
      'The upload was interrupted while it was finished: ask how much is here and go on from there.',
    );
  }
}
