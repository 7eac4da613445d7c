/** What the database knows about content that we hold. */
export interface BlobRecord {
  sha256: string;
  sizeBytes: number;
  duplicateCount: number;
  state: 'active' | 'quarantined';
  badChunks: number[];
  createTime: Date;
  verifyTime: Date;
}

/** Blob rows. Rows are made by the file store in the transaction that makes the file. */
export interface BlobRecordStore {
  get(sha256: string): Promise<BlobRecord | null>;
  /** Those of the digests that have a row. */
  known(sha256s: readonly string[]): Promise<Set<string>>;
  /** What verification found; no bad chunks means good (and lifts a quarantine). */
  recordVerification(sha256: string, badChunks: readonly number[], now: Date): Promise<void>;
  /** The blobs not verified since `before` and not quarantined, longest first; at most `limit`. */
  dueForVerification(before: Date, limit: number): Promise<BlobRecord[]>;
  /**
   * Takes blobs that no file points to, one transaction each, holding the digest's lock while `remove` deletes the
   * bytes; at most `limit`; how many. Less than `limit` means that no more were to be had. A blob younger than
   * `createdBefore` is left. Blobs whose bytes cannot be removed keep no other from being taken; what the first of them
   * failed with is thrown in the end. `signal` ends it between two blobs.
   */
  collect(
    createdBefore: Date,
    limit: number,
    remove: (sha256: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<number>;
  /** Runs `act` under the digest's lock, telling whether a row exists: for bytes on disk that no row knows. */
  withLock<T>(sha256: string, act: (known: boolean) => Promise<T>): Promise<T>;
}
