import type { BlobStore } from '../blobs/blob-store.ts';
import type { PartFiles } from '../blobs/part-files.ts';
import { LongshoreError } from '../errors.ts';
import type { Content } from '../native/content.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { FileStore, StoredContent } from './file-store.ts';
import type { FileRecord } from './file.ts';
import { HEAD_BYTES } from './media-type-content.ts';
import type { MediaTypes } from './media-type.ts';
import type { OpenUpload } from './open-upload.ts';
import type { TenantQuota } from './tenant-quota.ts';
import type { UploadStore } from './upload-store.ts';
import type { UploadRecord } from './upload.ts';

/**
 * Turns a complete upload into a file. The steps, each of which may be the last before the power goes:
 *
 *  1. the content is hashed to its end and held against the digests that the caller gave,
 *  2. the record says `finalizing` and what was received,
 *  3. in one transaction, under the digest's lock: the bytes get their final name, then the blob's and the file's rows
 *     are written and the upload is `completed`,
 *  4. the part file's folder is removed.
 *
 * Before 3 the upload goes on from what was acknowledged; after 3 the file is there; in between `recoverUpload` decides
 * by looking for the blob.
 */
export class UploadFinalizer {
  readonly #uploads: UploadStore;
  readonly #files: FileStore;
  readonly #blobs: BlobStore;
  readonly #partFiles: PartFiles;
  readonly #mediaTypes: MediaTypes;
  readonly #quota: TenantQuota;
  readonly #metrics: Metrics;

  constructor(
    uploads: UploadStore,
    files: FileStore,
    blobs: BlobStore,
    partFiles: PartFiles,
    mediaTypes: MediaTypes,
    quota: TenantQuota,
    metrics: Metrics,
  ) {
    this.#uploads = uploads;
    this.#files = files;
    this.#blobs = blobs;
    this.#partFiles = partFiles;
    this.#mediaTypes = mediaTypes;
    this.#quota = quota;
    this.#metrics = metrics;
  }

  /**
   * Throws DIGEST_MISMATCH, TYPE_MISMATCH, TYPE_BLOCKED, FILE_TOO_LARGE (the upload has failed for good then),
   * UPLOAD_INCOMPLETE, ALREADY_EXISTS, RETENTION_ACTIVE, QUOTA_EXCEEDED, STORAGE_FULL, WRITER_SUPERSEDED,
   * DATABASE_UNAVAILABLE (it can be tried again).
   */
  async finalize(open: OpenUpload, finalSha256: string | null): Promise<FileRecord> {
    const { upload } = open;
    const content = await open.finish();
    // Who was superseded while it hashed decides nothing any more, least of all that the upload has failed.
    open.ended.throwIfAborted();
    this.#metrics.hashedBytes.inc({ purpose: 'upload' }, content.size);
    let mediaType: string;
    try {
      requireDigest(content, upload.expectedSha256);
      requireDigest(content, finalSha256);
      mediaType = await this.#mediaType(upload, content);
    } catch (error) {
      if (error instanceof LongshoreError) await this.#refuse(open, error);
      throw error;
    }
    await this.#quota.take(upload.tenantId, content.size);
    open.ended.throwIfAborted();
    await this.#uploads.beginFinalize(
      upload.tenantId,
      upload.uploadId,
      content.sha256,
      upload.parallel ? null : upload.writerEpoch,
    );
    const file = await this.#commit(upload, mediaType, content, () =>
      open.place((part) => this.#blobs.place(part, content.sha256)),
    );
    await this.#clearUp(upload.uploadId);
    return file;
  }

  /**
   * Carries on an upload whose process died while finalising. When the bytes have their final name already the file is
   * made and returned; else the upload is open again and goes on from what was acknowledged: null. Waits for a process that
   * is still at it.
   */
  async recover({ tenantId, uploadId }: UploadRecord, signal: AbortSignal): Promise<FileRecord | null> {
    const request = { id: uploadId, session: 'recovery', exclusive: true, totalBytes: null };
    await using _lock = await this.#partFiles.open(request, signal);
    // Asked again under the part file's lock: whoever held it may have come to an end.
    const upload = await this.#uploads.get(tenantId, uploadId);
    if (upload.state === 'open') return null;
    if (upload.state !== 'finalizing') {
      // What was removed with the end of the upload was made anew by opening it.
      await this.#clearUp(uploadId);
      return upload.state === 'completed' ? await this.#files.get(tenantId, upload.file.fileId) : null;
    }
    const content = upload.sha256 === null ? null : await this.#blobs.describe(upload.sha256);
    if (!content) {
      await this.#uploads.reopen(tenantId, uploadId);
      return null;
    }
    const mediaType = await this.#mediaTypes.check(
      upload.file,
      content.size,
      await headOfBlob(this.#blobs, content.sha256),
    );
    const file = await this.#commit(upload, mediaType, content, async () => {
      if (await this.#blobs.hasDurably(content.sha256)) return { existed: true };
      throw new LongshoreError('UPLOAD_INCOMPLETE', 'The content went away while the upload was recovered.');
    });
    await this.#clearUp(uploadId);
    return file;
  }

  async #commit(
    upload: UploadRecord,
    mediaType: string,
    content: Content,
    place: () => Promise<{ existed: boolean }>,
  ): Promise<FileRecord> {
    const { tenantId, mustNotExist, uploadId } = upload;
    this.#metrics.deduplicationChecks.inc();
    try {
      const { file, deduplicated } = await this.#files.commit(
        tenantId,
        { ...upload.file, mediaType },
        stored(content),
        { mustNotExist, uploadId },
        place,
      );
      if (deduplicated) this.#metrics.deduplicationHits.inc();
      return file;
    } catch (error) {
      // Its name is not free. It may be later; and only an open upload expires.
      if (isNameTaken(error)) await this.#uploads.reopen(tenantId, uploadId);
      throw error;
    }
  }

  async #mediaType(upload: UploadRecord, content: Content): Promise<string> {
    const head =
      content.size === 0 ? Buffer.alloc(0) : await this.#partFiles.head(upload.uploadId, HEAD_BYTES);
    return this.#mediaTypes.check(upload.file, content.size, head);
  }

  /** How the upload ended is written down: a folder that cannot be removed now is the sweep's business, not the caller's. */
  async #clearUp(uploadId: string): Promise<void> {
    try {
      await this.#partFiles.discard(uploadId);
    } catch {
      this.#metrics.partFilesLeft.inc();
    }
  }

  async #refuse(open: OpenUpload, error: LongshoreError): Promise<void> {
    const { tenantId, uploadId } = open.upload;
    await this.#uploads.fail(tenantId, uploadId, { reason: error.reason, message: error.message });
    await open.end(error);
    await this.#clearUp(uploadId);
  }
}

function isNameTaken(error: unknown): boolean {
  return error instanceof LongshoreError && ['ALREADY_EXISTS', 'RETENTION_ACTIVE'].includes(error.reason);
}

/** The first bytes of a blob, to tell its type by. Throws BLOB_CORRUPT. */
export async function headOfBlob(blobs: BlobStore, sha256: string): Promise<Buffer> {
  const lease = await blobs.open(sha256);
  try {
    return (await lease.reader.read(0, Math.min(HEAD_BYTES, lease.reader.size))).content;
  } finally {
    lease.release();
  }
}

export function requireDigest(content: { sha256: string; size: number }, expected: string | null): void {
  if (expected === null || expected === content.sha256) return;
  throw new LongshoreError(
    'DIGEST_MISMATCH',
    'What arrived is not what was announced: its SHA-256 differs.',
    {
      metadata: { expected, actual: content.sha256 },
    },
  );
}

export function stored(content: Content): StoredContent {
  const { sha256, size, crc32c, chunkDigests } = content;
  return { sha256, sizeBytes: size, crc32c, chunkDigests };
}
