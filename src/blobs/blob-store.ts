import type { BlobReader } from '../native/blob-reader.ts';
import type { Content } from '../native/content.ts';
import type { PartFile } from '../native/part-file.ts';
import type { Verification, VerifyOptions } from '../native/verify-blob.ts';

/** A reader on loan: give it back when done, so that it can be closed. */
export interface BlobLease {
  readonly reader: BlobReader;
  /** The tier that the bytes come from, as `served_from` names it. */
  readonly tier: string;
  release(): void;
}

/** How much room there is where the bytes are. */
export interface Space {
  availableBytes: number;
  totalBytes: number;
}

/**
 * The bytes that we hold, by SHA-256 (lower-case hex). A blob is there wholly or not at all, and never changes.
 * Disk faults surface as the errors of `native/native-error.ts`.
 */
export interface BlobStore {
  has(sha256: string): Promise<boolean>;
  /** The same, and the name of bytes that are there is on disk when it resolves: whoever gave it may have died before it was. */
  hasDurably(sha256: string): Promise<boolean>;
  /** Throws BLOB_CORRUPT when there are no bytes, or they cannot be those of that digest. */
  open(sha256: string): Promise<BlobLease>;
  /** What the manifest says of a blob that is there; null when it is not, or is plainly not whole. */
  describe(sha256: string): Promise<Content | null>;
  /**
   * Makes a finished part file the blob of its digest, durably. When the blob is there already nothing is written
   * (`existed`) and the part file is left for its owner to discard. Bytes that are plainly not whole (too short, no manifest)
   * are set aside first. Call it under the digest's lock.
   */
  place(part: PartFile, sha256: string): Promise<{ existed: boolean }>;
  /** The same for small content in memory. */
  placeSmall(content: Uint8Array, sha256: string): Promise<{ existed: boolean }>;
  /** Deletes the bytes; no bytes is fine. Readers that have it open keep reading. */
  remove(sha256: string): Promise<void>;
  /** Whether these chunks of the blob can be read as they were stored; through a new reader, whatever the others hold. */
  isReadable(sha256: string, chunks: readonly number[]): Promise<boolean>;
  /** Sets damaged bytes aside, where nothing serves them and a good copy can take the place. */
  quarantine(sha256: string): Promise<void>;
  /** Hashes the stored bytes on all cores. */
  verify(sha256: string, options: VerifyOptions): Promise<Verification>;
  space(): Promise<Space>;
  close(): Promise<void>;
}
