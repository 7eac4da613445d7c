import type { BlobRecordStore } from '../blobs/blob-record-store.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import { isNativeError } from '../native/native-error.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { fileNotFound } from './file-guard.ts';
import type { FileStore } from './file-store.ts';

/** What a second look said: damage it is, a good copy has taken the place, or nobody knows the content any more. */
export type Finding = 'damaged' | 'replaced' | 'gone';

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
  #underWay: Promise<unknown> = Promise.resolve();

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
   * making a good copy of it comes wholly before or wholly after. What a read found is looked at again first: it may have
   * read from a copy that is no longer the one.
   */
  async quarantine(sha256: string, badChunks: readonly number[], foundBy: FoundBy): Promise<Finding> {
    return this.#alone(() => this.#quarantine(sha256, badChunks, foundBy));
  }

  /** Ends a quarantine: the content was proved good, so somebody has put it back (a disk that was away, a copy). */
  async lift(sha256: string): Promise<void> {
    await this.#alone(() => this.#lift(sha256));
  }

  /**
   * What a reader hears when its read failed with `error`. Damage is quarantined first, every bad chunk named; should that
   * fail the reader hears of the damage all the same, and the next read or scrub finds it again.
   */
  async explain(sha256: string, error: unknown): Promise<unknown> {
    const badChunks = badChunksOf(error);
    if (badChunks === null) return error;
    try {
      const finding = await this.quarantine(sha256, badChunks, 'read');
      if (finding === 'gone') return fileNotFound();
      if (finding === 'replaced') return replaced(error);
    } catch (failure) {
      this.#log.error({ sha256, err: failure }, 'damaged content could not be quarantined');
    }
    return blobCorrupt(sha256, badChunks, error);
  }

  /** What a reader of quarantined content hears. */
  async refusal(sha256: string): Promise<LongshoreError> {
    const record = await this.#records.get(sha256);
    return blobCorrupt(sha256, record?.badChunks ?? []);
  }

  /** One at a time: who holds a digest's lock has a connection and wants a second one. */
  async #alone<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#underWay.then(act);
    this.#underWay = done.catch(() => undefined);
    return done;
  }

  async #lift(sha256: string): Promise<void> {
    await this.#records.withLock(sha256, async () => {
      // It may have been set aside again since.
      if (!(await this.#blobs.isReadable(sha256, []))) return;
      await this.#records.recordVerification(sha256, [], new Date(this.#clock.nowMs()));
      await this.#files.setQuarantine(sha256, false);
    });
  }

  async #quarantine(sha256: string, badChunks: readonly number[], foundBy: FoundBy): Promise<Finding> {
    return this.#records.withLock(sha256, async (known) => {
      if (!known) return 'gone';
      if (foundBy === 'read' && (await this.#blobs.isReadable(sha256, badChunks))) return 'replaced';
      const record = await this.#records.get(sha256);
      // Also when it is known: bad bytes may have been put back, a file been copied or undeleted at that very moment.
      await this.#blobs.quarantine(sha256);
      if (record?.state !== 'quarantined') {
        this.#metrics.corruptions.inc({ found_by: foundBy });
        this.#log.error({ sha256, badChunks, foundBy }, 'stored content is damaged');
        await this.#records.recordVerification(sha256, badChunks, new Date(this.#clock.nowMs()));
      }
      await this.#files.setQuarantine(sha256, true);
      return 'damaged';
    });
  }
}

/** The chunks that a failed read or open blames; null when it failed for another reason. */
function badChunksOf(error: unknown): number[] | null {
  // Content that is gone, or shorter or longer than its manifest says, is bad as a whole.
  if (isNativeError(error, 'BLOCK_CORRUPT')) return [error.chunk ?? 0];
  return error instanceof LongshoreError && error.reason === 'BLOB_CORRUPT' ? [0] : null;
}

function replaced(cause: unknown): LongshoreError {
  return new LongshoreError('STORAGE_FAILED', 'The content was repaired while it was read: read it again.', {
    retryAfterMs: 0,
    cause,
  });
}

export function blobCorrupt(sha256: string, badChunks: readonly number[], cause?: unknown): LongshoreError {
  return new LongshoreError('BLOB_CORRUPT', 'The stored content is damaged and is not served.', {
    metadata: { digest: sha256, chunk: badChunks.join(',') },
    cause,
  });
}
