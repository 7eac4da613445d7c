import type { BlobStore } from '../blobs/blob-store.ts';
import type { Clock } from '../clock.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Damage } from './damage.ts';
import { fieldInvalid } from './field-invalid.ts';
import type { FileStore } from './file-store.ts';
import { checkFileSpec } from './file-spec.ts';
import type { FileSpec } from './file.ts';
import { headOfBlob } from './finalize-upload.ts';
import type { NewId } from './ids.ts';
import type { MediaTypes } from './media-type.ts';
import { storageFull } from './storage-full.ts';
import type { TenantQuota } from './tenant-quota.ts';
import type { UploadStore } from './upload-store.ts';
import type { UploadRecord } from './upload.ts';

export interface UploadRequest {
  tenantId: string;
  file: FileSpec;
  requestId: string | null;
  totalSize: number | null;
  expectedDigest: { sha256: string; sizeBytes: number | null } | null;
  parallel: boolean;
  mustNotExist: boolean;
  placeOn: string[];
  /** Null: as long as the server gives. */
  ttlMs: number | null;
}

/** Keep-out room on the disk: databases and journals must go on when uploads may not. */
const SPACE_KEPT_BYTES = 64 * 2 ** 20;

/** Opens uploads: refuses what can be refused before the first byte, and needs no bytes for content that the tenant holds. */
export class UploadCreator {
  readonly #uploads: UploadStore;
  readonly #files: FileStore;
  readonly #blobs: BlobStore;
  readonly #damage: Damage;
  readonly #quota: TenantQuota;
  readonly #newId: NewId;
  readonly #clock: Clock;
  readonly #mediaTypes: MediaTypes;
  readonly #ttlMsMax: number;
  readonly #metrics: Metrics;

  constructor(
    uploads: UploadStore,
    files: FileStore,
    blobs: BlobStore,
    damage: Damage,
    quota: TenantQuota,
    newId: NewId,
    clock: Clock,
    mediaTypes: MediaTypes,
    ttlMsMax: number,
    metrics: Metrics,
  ) {
    this.#uploads = uploads;
    this.#files = files;
    this.#blobs = blobs;
    this.#damage = damage;
    this.#quota = quota;
    this.#newId = newId;
    this.#clock = clock;
    this.#mediaTypes = mediaTypes;
    this.#ttlMsMax = ttlMsMax;
    this.#metrics = metrics;
  }

  /** Throws FIELD_INVALID, TYPE_BLOCKED, FILE_TOO_LARGE, QUOTA_EXCEEDED, STORAGE_FULL; for content that is held also TYPE_MISMATCH, ALREADY_EXISTS, RETENTION_ACTIVE. */
  async create(request: UploadRequest): Promise<UploadRecord> {
    const now = new Date(this.#clock.nowMs());
    checkFileSpec(request.file, now);
    this.#checkSize(request);
    await this.#quota.check(request.tenantId, request.totalSize ?? 0);
    const { upload, created } = await this.#uploads.create({
      tenantId: request.tenantId,
      uploadId: this.#newId(),
      requestId: request.requestId,
      file: request.file,
      totalSize: request.totalSize,
      expectedSha256: request.expectedDigest?.sha256 ?? null,
      parallel: request.parallel,
      mustNotExist: request.mustNotExist,
      placeOn: request.placeOn,
      expireTime: new Date(now.getTime() + this.#ttlMs(request)),
    });
    if (!created || upload.state !== 'open') return upload;
    try {
      if (request.expectedDigest && (await this.#useHeld(upload, request.expectedDigest))) {
        return await this.#uploads.get(upload.tenantId, upload.uploadId);
      }
      await this.#requireSpace(request.totalSize ?? 0);
    } catch (error) {
      // Nobody was told its name, so that the same request is judged anew. One that cannot be withdrawn expires.
      await this.#uploads.withdraw(upload.tenantId, upload.uploadId).catch(() => undefined);
      throw error;
    }
    return upload;
  }

  #checkSize(request: UploadRequest): void {
    const { totalSize, expectedDigest, file } = request;
    const announced = expectedDigest?.sizeBytes ?? null;
    if (totalSize !== null && announced !== null && totalSize !== announced) {
      throw fieldInvalid('total_size', `is ${totalSize}, but expected_digest says ${announced}`);
    }
    this.#mediaTypes.checkDeclared(file, totalSize ?? announced);
  }

  #ttlMs({ ttlMs }: UploadRequest): number {
    if (ttlMs === null) return this.#ttlMsMax;
    if (ttlMs <= 0) throw fieldInvalid('ttl', 'must be positive');
    return Math.min(ttlMs, this.#ttlMsMax);
  }

  /** The tenant holds the content: the file is made of it at once. A digest is no permission, so no one else's counts. */
  async #useHeld(
    upload: UploadRecord,
    digest: { sha256: string; sizeBytes: number | null },
  ): Promise<boolean> {
    const { tenantId, uploadId, file, mustNotExist } = upload;
    this.#metrics.deduplicationChecks.inc();
    const held = await this.#files.findByDigest(tenantId, digest.sha256);
    const head = held && (await this.#headOf(held.sha256));
    if (!head) return false;
    // What was taken in as something else is not let in as this.
    const mediaType = await this.#mediaTypes.check(file, held.sizeBytes, head);
    await this.#quota.take(tenantId, held.sizeBytes);
    const made = await this.#files.commitHeld(tenantId, { ...file, mediaType }, digest, {
      mustNotExist,
      uploadId,
    });
    if (!made) return false;
    this.#metrics.deduplicationHits.inc();
    return true;
  }

  /** Null when the content turns out to be damaged: then it is to be sent again. */
  async #headOf(sha256: string): Promise<Buffer | null> {
    try {
      return await headOfBlob(this.#blobs, sha256);
    } catch (error) {
      const explained = await this.#damage.explain(sha256, error);
      if (explained === error) throw error;
      return null;
    }
  }

  async #requireSpace(bytes: number): Promise<void> {
    const space = await this.#blobs.space();
    const neededBytes = bytes + SPACE_KEPT_BYTES;
    if (neededBytes > space.availableBytes) throw storageFull(neededBytes, space);
  }
}
