import type { FileSpec } from './file.ts';
import type { UploadRecord, UploadState } from './upload.ts';

/** A file that is to be made, as JSON: times are RFC 3339. Its id has a column of its own. */
interface StoredSpec extends Omit<FileSpec, 'fileId' | 'expireTime' | 'retainUntilTime'> {
  expireTime: string | null;
  retainUntilTime: string | null;
}

export interface UploadRow {
  tenant_id: string;
  upload_id: string;
  request_id: string | null;
  file_id: string;
  file: StoredSpec;
  total_size: number | null;
  expected_sha256: Buffer | null;
  parallel: boolean;
  must_not_exist: boolean;
  place_on: string[];
  state: UploadState;
  writer_epoch: number;
  sha256: Buffer | null;
  deduplicated: boolean;
  error: { reason: string; message: string } | null;
  create_time: Date;
  update_time: Date;
  expire_time: Date;
}

/** Of the table `uploads`, which every statement calls by its own name. */
export const UPLOAD_COLUMNS = `uploads.tenant_id, uploads.upload_id, uploads.request_id, uploads.file_id, uploads.file,
  uploads.total_size, uploads.expected_sha256, uploads.parallel, uploads.must_not_exist, uploads.place_on,
  uploads.state, uploads.writer_epoch, uploads.sha256, uploads.deduplicated, uploads.error, uploads.create_time,
  uploads.update_time, uploads.expire_time`;

export function specJson(spec: FileSpec): string {
  return JSON.stringify({ ...spec, fileId: undefined });
}

export function uploadOf(row: UploadRow): UploadRecord {
  const { expireTime, retainUntilTime, ...spec } = row.file;
  return {
    tenantId: row.tenant_id,
    uploadId: row.upload_id,
    requestId: row.request_id,
    file: {
      ...spec,
      fileId: row.file_id,
      expireTime: expireTime === null ? null : new Date(expireTime),
      retainUntilTime: retainUntilTime === null ? null : new Date(retainUntilTime),
    },
    totalSize: row.total_size,
    expectedSha256: row.expected_sha256?.toString('hex') ?? null,
    parallel: row.parallel,
    mustNotExist: row.must_not_exist,
    placeOn: row.place_on,
    state: row.state,
    writerEpoch: row.writer_epoch,
    sha256: row.sha256?.toString('hex') ?? null,
    deduplicated: row.deduplicated,
    error: row.error,
    createTime: row.create_time,
    updateTime: row.update_time,
    expireTime: row.expire_time,
  };
}
