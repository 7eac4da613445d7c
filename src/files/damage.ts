import type { BlobRecordStore } from '../blobs/blob-record-store.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import { isNativeError } from '../native/native-error.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { FileStore } from './file-store.ts';

/** Who noticed that stored content is not what was stored. */
export type FoundBy = 'read' | 'scrub' | 'verify';

/** What happens when stored bytes turn out to be bad: they are set aside, and every file that has them says so. */
export class Damage {
  readonly #blobs: BlobStore;
  readonly #records: BlobRecordStore;
  readonly #files: FileStore;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #log: Logger;

  constructor(
    blobs: BlobStore,
    records: BlobRecordStore,
    files: FileStore,
    clock: Clock,
    metrics: Metrics,
    log: Logger,
  ) {
    this.#blobs = blobs;
    this.#records = records;
    this.#files = files;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#log = log;
  }

  /**
   * Quarantines a blob; `badChunks` names at least one. Bytes and rows change under the digest's lock, so that an upload that is just
   * making a good copy of it comes wholly before or wholly after.
   */
  async quarantine(sha256: string, badChunks: readonly number[], foundBy: FoundBy): Promise<void> {
    this.#metrics.corruptions.inc({ found_by: foundBy });
    this.#log.error({ sha256, badChunks, foundBy }, 'stored content is damaged');
    await this.#records.withLock(sha256, async () => {
      await this.#blobs.quarantine(sha256);
      await this.#records.recordVerification(sha256, badChunks, new Date(this.#clock.nowMs()));
      await this.#files.setQuarantine(sha256, true);
    });
  }

  /**
   * What a reader hears when its read failed with `error`. Damage is quarantined first, every bad chunk named; should that
   * fail the reader hears of the damage all the same, and the next read or scrub finds it again.
   */
  async explain(sha256: string, error: unknown): Promise<unknown> {
    if (!isNativeError(error, 'BLOCK_CORRUPT')) return error;
    // A file that is shorter or longer than its manifest says is bad as a whole.
    const badChunks = [error.chunk ?? 0];
    try {
      await this.quarantine(sha256, badChunks, 'read');
    } catch (failure) {
      this.#log.error({ sha256, err: failure }, 'damaged content could not be quarantined');
    }
    return blobCorrupt(sha256, badChunks, error);
  }
}

export function blobCorrupt(sha256: string, badChunks: readonly number[], cause?: unknown): LongshoreError {
  return new LongshoreError('BLOB_CORRUPT', 'The stored content is damaged and is not served.', {
    metadata: { digest: sha256, chunk: badChunks.join(',') },
    cause,
  });
}
