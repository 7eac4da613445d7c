import type { Filter } from './filter.ts';
import type { FileChanges, FileRecord, FileSpec } from './file.ts';
import type { Order, PageCursor } from './page.ts';

/** One page of a list: `cursor` continues after the last row seen, whatever others write meanwhile. */
export interface FileListQuery {
  tenantId: string;
  filter: Filter | null;
  order: Order;
  pageSize: number;
  cursor: PageCursor | null;
  showDeleted: boolean;
}

/** Content that is on disk under its digest and may be pointed to. */
export interface StoredContent {
  sha256: string;
  sizeBytes: number;
  crc32c: number;
  /** 32 bytes for each chunk of 1 MiB. */
  chunkDigests: Buffer;
}

/**
 * File records in the database. Every method answers for one tenant alone: what belongs to another is not there.
 * Throws FILE_NOT_FOUND where a named file is missing (or purged), ETAG_MISMATCH where a given etag is stale,
 * RETENTION_ACTIVE where a file may not be changed away yet, ALREADY_EXISTS where an id is taken,
 * DATABASE_UNAVAILABLE when the database does not answer.
 */
export interface FileStore {
  /** Deleted files are found too (their state says so) until they are purged. */
  get(tenantId: string, fileId: string): Promise<FileRecord>;
  /** In the order asked; FILE_NOT_FOUND names the first missing one (AIP-231: all or nothing). */
  getMany(tenantId: string, fileIds: readonly string[]): Promise<FileRecord[]>;
  /** An active file of this tenant with this content, the oldest one; null when it holds none. */
  findByDigest(tenantId: string, sha256: string): Promise<FileRecord | null>;
  /** Those digests that no active file of this tenant has; a size that is told must be right too. */
  missingDigests(
    tenantId: string,
    digests: readonly { sha256: string; sizeBytes: number | null }[],
  ): Promise<Set<string>>;
  list(query: FileListQuery): Promise<{ files: FileRecord[]; next: PageCursor | null }>;
  /** Not of a deleted file. A retention that holds may be made longer, not shorter. */
  update(tenantId: string, fileId: string, changes: FileChanges, etag: string | null): Promise<FileRecord>;
  /** A new record over the same blob, in one transaction that keeps the blob alive; the retention stays behind. */
  copy(
    source: { tenantId: string; fileId: string },
    target: { tenantId: string; fileId: string },
  ): Promise<FileRecord>;
  /** Soft: state `deleted`, purge_time = now + grace. Already deleted is FILE_NOT_FOUND unless `allowMissing`, then null. */
  delete(
    tenantId: string,
    fileId: string,
    options: { etag: string | null; allowMissing: boolean; purgeTime: Date },
  ): Promise<FileRecord | null>;
  /** All or nothing. */
  deleteMany(tenantId: string, fileIds: readonly string[], purgeTime: Date): Promise<FileRecord[]>;
  /** ALREADY_EXISTS when it is not deleted (AIP-164). An expiry that has passed is dropped. */
  undelete(tenantId: string, fileId: string, etag: string | null): Promise<FileRecord>;
  /**
   * Makes (or, unless `mustNotExist`, replaces) the file and, in the same transaction, the blob's row, and calls
   * `place` while holding the digest's lock, so that no sweep can take the bytes away between the two.
   * `place` puts the bytes under their digest and says whether they were there already; it may be called again after a
   * deadlock. A quarantine of the content is lifted. An upload that is complete already gives its file again; one that
   * ended otherwise is UPLOAD_CLOSED, UPLOAD_EXPIRED or UPLOAD_NOT_FOUND. RETENTION_ACTIVE and ALREADY_EXISTS come before
   * anything is placed.
   */
  commit(
    tenantId: string,
    file: FileSpec,
    content: StoredContent,
    options: { mustNotExist: boolean; uploadId: string | null },
    place: () => Promise<{ existed: boolean }>,
  ): Promise<{ file: FileRecord; deduplicated: boolean }>;
  /** Like `commit` for content that this tenant already holds: no bytes move. Null when it holds none (or it is quarantined). */
  commitHeld(
    tenantId: string,
    file: FileSpec,
    digest: { sha256: string; sizeBytes: number | null },
    options: { mustNotExist: boolean; uploadId: string | null },
  ): Promise<FileRecord | null>;
  /** Adds counted reads; batched by the caller, never in the way of a read. */
  recordAccess(
    reads: readonly { tenantId: string; fileId: string; count: number; lastTime: Date }[],
  ): Promise<void>;
  /** Deletes files whose expire_time has passed, unless they are under retention; at most `limit`; how many. */
  expire(now: Date, purgeTime: Date, limit: number): Promise<number>;
  /** Forgets files whose purge_time has passed; at most `limit`; how many. Their blobs are the blob sweep's business. */
  purge(now: Date, limit: number): Promise<number>;
  /** Marks every file with this content; `active` lifts it again. */
  setQuarantine(sha256: string, quarantined: boolean): Promise<number>;
  /** Bytes of the tenant's active files. */
  storedBytes(tenantId: string): Promise<number>;
}
