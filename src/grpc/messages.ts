import type { Duration__Output } from '../gen/google/protobuf/Duration.ts';
import type { Timestamp, Timestamp__Output } from '../gen/google/protobuf/Timestamp.ts';
import type { Digest__Output } from '../gen/longshore/v1/Digest.ts';
import type { File, File__Output } from '../gen/longshore/v1/File.ts';
import type { Upload } from '../gen/longshore/v1/Upload.ts';
import { LongshoreError, type ErrorReason } from '../errors.ts';
import { fieldInvalid } from '../files/field-invalid.ts';
import type { FileRecord, FileSpec } from '../files/file.ts';
import { formatName } from '../files/names.ts';
import type { UploadRecord, UploadState } from '../files/upload.ts';
import { CHUNK_BYTES } from '../native/content.ts';
import type { Persisted } from '../native/part-file.ts';
import { statusMessage } from './status.ts';
import { fromStruct, toStruct } from './struct.ts';

/** Records as messages of the public contract, and back. Nothing else knows both. */
export function toFile(file: FileRecord): File {
  return {
    name: formatName('files', file.tenantId, file.fileId),
    displayName: file.displayName,
    mediaType: file.mediaType,
    digest: { sha256: file.sha256, sizeBytes: file.sizeBytes },
    labels: file.labels,
    state: FILE_STATES[file.state],
    etag: file.etag,
    createTime: toTimestamp(file.createTime),
    updateTime: toTimestamp(file.updateTime),
    accessTime: toTimestamp(file.accessTime),
    expireTime: toTimestamp(file.expireTime),
    deleteTime: toTimestamp(file.deleteTime),
    purgeTime: toTimestamp(file.purgeTime),
    retainUntilTime: toTimestamp(file.retainUntilTime),
    region: file.region,
    accessCount: file.accessCount,
    metadata: toStruct(file.metadata),
  };
}

const FILE_STATES = { active: 'ACTIVE', deleted: 'DELETED', quarantined: 'QUARANTINED' } as const;

/** What a request says about a file to be made. `fileId` is the one to use where the caller chose none. */
export function fromFile(file: File__Output | null, fileId: string): FileSpec {
  return {
    fileId,
    // A file without a name is called by its id.
    displayName: file?.displayName || fileId,
    mediaType: file?.mediaType ?? '',
    labels: file?.labels ?? {},
    metadata: file?.metadata ? fromStruct(file.metadata) : {},
    region: file?.region ?? '',
    expireTime: fromTimestamp(file?.expireTime ?? null, 'file.expire_time'),
    retainUntilTime: fromTimestamp(file?.retainUntilTime ?? null, 'file.retain_until_time'),
  };
}

/** `persisted` is what is on disk while the upload is open; `file` the result once there is one. */
export function toUpload(upload: UploadRecord, persisted: Persisted | null, file: FileRecord | null): Upload {
  const completedSize = file?.sizeBytes ?? 0;
  return {
    name: formatName('uploads', upload.tenantId, upload.uploadId),
    file: file ? toFile(file) : toPromisedFile(upload),
    ...(upload.totalSize === null ? {} : { totalSize: upload.totalSize }),
    expectedDigest:
      upload.expectedSha256 === null
        ? null
        : { sha256: upload.expectedSha256, sizeBytes: upload.totalSize ?? 0 },
    parallel: upload.parallel,
    partAlignBytes: CHUNK_BYTES,
    persistedSize: persisted?.size ?? completedSize,
    persistedRanges: persisted
      ? persisted.ranges.map(({ offset, length }) => ({ offset, length }))
      : completedSize > 0
        ? [{ offset: 0, length: completedSize }]
        : [],
    persistedCrc32c: persisted?.crc32c ?? 0,
    state: UPLOAD_STATES[upload.state],
    deduplicated: upload.deduplicated,
    expireTime: toTimestamp(upload.expireTime),
    error: upload.error
      ? statusMessage(new LongshoreError(upload.error.reason as ErrorReason, upload.error.message))
      : null,
  };
}

const UPLOAD_STATES = {
  open: 'OPEN',
  finalizing: 'FINALIZING',
  completed: 'COMPLETED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
  expired: 'EXPIRED',
} as const satisfies Record<UploadState, string>;

function toPromisedFile({ tenantId, file }: UploadRecord): File {
  return {
    name: formatName('files', tenantId, file.fileId),
    displayName: file.displayName,
    mediaType: file.mediaType,
    labels: file.labels,
    state: 'CREATING',
    expireTime: toTimestamp(file.expireTime),
    retainUntilTime: toTimestamp(file.retainUntilTime),
    region: file.region,
    metadata: toStruct(file.metadata),
  };
}

/** A digest as the caller gave it. Throws FIELD_INVALID when it is not one. Size 0 of content that is not empty means untold. */
export function fromDigest(
  digest: Digest__Output,
  field: string,
): { sha256: string; sizeBytes: number | null } {
  if (!/^[0-9a-f]{64}$/.test(digest.sha256)) {
    throw fieldInvalid(`${field}.sha256`, 'must be 64 lower-case hexadecimal digits');
  }
  const size = requireSize(digest.sizeBytes, `${field}.size_bytes`);
  return { sha256: digest.sha256, sizeBytes: size === 0 && digest.sha256 !== EMPTY_SHA256 ? null : size };
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Throws FIELD_INVALID unless it is a number of bytes. */
export function requireSize(value: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw fieldInvalid(field, 'must be a number of bytes from 0 on');
  return value;
}

export function toTimestamp(time: Date | null): Timestamp | null {
  if (time === null) return null;
  const ms = time.getTime();
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: (ms - seconds * 1000) * 1e6 };
}

/** Throws FIELD_INVALID beyond what a Date can hold. */
export function fromTimestamp(timestamp: Timestamp__Output | null, field: string): Date | null {
  if (timestamp === null) return null;
  const time = new Date(timestamp.seconds * 1000 + Math.floor(timestamp.nanos / 1e6));
  if (Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1 || time.getUTCFullYear() > 9999) {
    throw fieldInvalid(field, 'must lie between the years 1 and 9999');
  }
  return time;
}

export function fromDurationMs(duration: Duration__Output | null): number | null {
  return duration === null ? null : duration.seconds * 1000 + duration.nanos / 1e6;
}
