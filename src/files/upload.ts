import type { FileSpec } from './file.ts';

/** Where an upload is in its life. Everything after `finalizing` is final. */
export type UploadState = 'open' | 'finalizing' | 'completed' | 'failed' | 'cancelled' | 'expired';

/** A resumable upload as Postgres knows it. How many bytes are on disk is the part file's business, not this record's. */
export interface UploadRecord {
  tenantId: string;
  uploadId: string;
  requestId: string | null;
  file: FileSpec;
  totalSize: number | null;
  /** Lower-case hex, when the caller told it beforehand. */
  expectedSha256: string | null;
  parallel: boolean;
  mustNotExist: boolean;
  placeOn: string[];
  state: UploadState;
  /** Counts the writers that took the upload over; only the newest may write. */
  writerEpoch: number;
  /** What was received, from `finalizing` on. */
  sha256: string | null;
  deduplicated: boolean;
  error: { reason: string; message: string } | null;
  createTime: Date;
  updateTime: Date;
  expireTime: Date;
}
