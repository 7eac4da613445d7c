import type { FileSpec } from './file.ts';
import type { UploadRecord } from './upload.ts';

export interface NewUpload {
  tenantId: string;
  uploadId: string;
  requestId: string | null;
  file: FileSpec;
  totalSize: number | null;
  expectedSha256: string | null;
  parallel: boolean;
  mustNotExist: boolean;
  placeOn: string[];
  expireTime: Date;
}

/**
 * Uploads in the database. Throws UPLOAD_NOT_FOUND where there is none for this tenant, UPLOAD_EXPIRED and
 * UPLOAD_CLOSED where it no longer takes bytes, DATABASE_UNAVAILABLE when the database does not answer.
 */
export interface UploadStore {
  /** The same request id gives the same upload: `created` is false then. FIELD_INVALID when it was used for another one. */
  create(upload: NewUpload): Promise<{ upload: UploadRecord; created: boolean }>;
  /** Forgets an upload that its creator was not told of; nothing when it is there no more, or takes bytes already. */
  withdraw(tenantId: string, uploadId: string): Promise<void>;
  get(tenantId: string, uploadId: string): Promise<UploadRecord>;
  list(
    tenantId: string,
    pageSize: number,
    after: { createTime: Date; uploadId: string } | null,
  ): Promise<{ uploads: UploadRecord[]; next: { createTime: Date; uploadId: string } | null }>;
  /**
   * Takes the upload over: one more epoch, and every other process hears of it (NOTIFY), with whether the claimant wants it
   * `alone`, as who finishes a parallel upload does. Only while it is open; a completed one, or one that is being
   * finalised, is returned as it is, so that finishing twice gives the same file.
   */
  claim(tenantId: string, uploadId: string, now: Date, alone: boolean): Promise<UploadRecord>;
  /** The epoch in force, for a writer that asks whether it is still the one. */
  epoch(tenantId: string, uploadId: string): Promise<number>;
  /**
   * open -> finalizing, remembering what was received; repeating it is harmless. Throws WRITER_SUPERSEDED when `writerEpoch` is
   * given and no longer in force.
   */
  beginFinalize(
    tenantId: string,
    uploadId: string,
    sha256: string,
    writerEpoch?: number | null,
  ): Promise<UploadRecord>;
  /** finalizing -> open: it was interrupted before the bytes were placed. */
  reopen(tenantId: string, uploadId: string): Promise<UploadRecord>;
  fail(tenantId: string, uploadId: string, error: { reason: string; message: string }): Promise<void>;
  /** Anything but completed -> cancelled; repeating it is harmless. */
  cancel(tenantId: string, uploadId: string): Promise<void>;
  /** Marks what is past its time; at most `limit`; those, so that their bytes can be removed. */
  expire(now: Date, limit: number): Promise<UploadRecord[]>;
  /** Forgets uploads that ended before `before`; at most `limit`. */
  forget(before: Date, limit: number): Promise<UploadRecord[]>;
  /** Those of the ids, of whatever tenant, that are an upload's. */
  known(uploadIds: readonly string[]): Promise<Set<string>>;
  /** Uploads in `finalizing` that nobody has touched since `before`: their process died. */
  stuck(before: Date, limit: number): Promise<UploadRecord[]>;
}
