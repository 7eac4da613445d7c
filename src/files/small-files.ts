import type { BlobStore } from '../blobs/blob-store.ts';
import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { checkFileSpec } from './file-spec.ts';
import type { FileStore } from './file-store.ts';
import type { FileRecord, FileSpec } from './file.ts';
import { requireDigest, stored } from './finalize-upload.ts';
import { HEAD_BYTES } from './media-type-content.ts';
import type { MediaTypes } from './media-type.ts';
import { describeContent } from './small-content.ts';
import { isStorageFull, storageFull } from './storage-full.ts';
import type { TenantQuota } from './tenant-quota.ts';

export interface SmallFile {
  tenantId: string;
  file: FileSpec;
  content: Buffer;
  crc32c: number | null;
  expectedSha256: string | null;
}

/** Files that fit into one message: stored in one go, without an upload. */
export class SmallFiles {
  readonly #files: FileStore;
  readonly #blobs: BlobStore;
  readonly #mediaTypes: MediaTypes;
  readonly #quota: TenantQuota;
  readonly #clock: Clock;
  readonly #metrics: Metrics;

  constructor(
    files: FileStore,
    blobs: BlobStore,
    mediaTypes: MediaTypes,
    quota: TenantQuota,
    clock: Clock,
    metrics: Metrics,
  ) {
    this.#files = files;
    this.#blobs = blobs;
    this.#mediaTypes = mediaTypes;
    this.#quota = quota;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Throws what an upload throws: CHUNK_CORRUPT, DIGEST_MISMATCH, TYPE_*, FILE_TOO_LARGE, FIELD_INVALID, QUOTA_EXCEEDED, STORAGE_FULL. */
  async store({ tenantId, file, content, crc32c, expectedSha256 }: SmallFile): Promise<FileRecord> {
    checkFileSpec(file, new Date(this.#clock.nowMs()));
    await this.#quota.check(tenantId, content.length);
    const mediaType = await this.#mediaTypes.check(file, content.length, content.subarray(0, HEAD_BYTES));
    const found = await describeContent(content);
    this.#metrics.hashedBytes.inc({ purpose: 'upload' }, content.length);
    this.#metrics.receivedBytes.inc(content.length);
    if (crc32c !== null && crc32c !== found.crc32c) {
      throw new LongshoreError('CHUNK_CORRUPT', 'The content does not match its CRC32C: send it again.', {
        metadata: { offset: '0' },
      });
    }
    requireDigest(found, expectedSha256);
    await this.#quota.take(tenantId, content.length);
    this.#metrics.deduplicationChecks.inc();
    const { file: record, deduplicated } = await this.#files.commit(
      tenantId,
      { ...file, mediaType },
      stored(found),
      { mustNotExist: false, uploadId: null },
      () => this.#place(content, found.sha256),
    );
    if (deduplicated) this.#metrics.deduplicationHits.inc();
    return record;
  }

  async #place(content: Buffer, sha256: string): Promise<{ existed: boolean }> {
    try {
      return await this.#blobs.placeSmall(content, sha256);
    } catch (error) {
      throw isStorageFull(error) ? storageFull(content.length, await this.#blobs.space(), error) : error;
    }
  }
}
