import type { Sql } from '../postgres/postgres.ts';
import type { FileRecord, FileState } from './file.ts';

export interface FileRow {
  tenant_id: string;
  file_id: string;
  display_name: string;
  media_type: string;
  sha256: Buffer;
  size_bytes: number;
  labels: Record<string, string>;
  metadata: Record<string, unknown>;
  state: FileState;
  etag: string;
  region: string;
  access_count: number;
  create_time: Date;
  update_time: Date;
  access_time: Date | null;
  expire_time: Date | null;
  delete_time: Date | null;
  purge_time: Date | null;
  retain_until_time: Date | null;
}

/** Of the table `files`, which every statement calls by its own name. */
export const FILE_COLUMNS = `files.tenant_id, files.file_id, files.display_name, files.media_type, files.sha256,
  files.size_bytes, files.labels, files.metadata, files.state, files.etag, files.region, files.access_count,
  files.create_time, files.update_time, files.access_time, files.expire_time, files.delete_time, files.purge_time,
  files.retain_until_time`;

/** A new etag: 32 characters that no record had before. */
export const NEW_ETAG = `replace(gen_random_uuid()::text, '-', '')`;

export function fileOf(row: FileRow): FileRecord {
  return {
    tenantId: row.tenant_id,
    fileId: row.file_id,
    displayName: row.display_name,
    mediaType: row.media_type,
    sha256: row.sha256.toString('hex'),
    sizeBytes: row.size_bytes,
    labels: row.labels,
    metadata: row.metadata,
    state: row.state,
    etag: row.etag,
    region: row.region,
    accessCount: row.access_count,
    createTime: row.create_time,
    updateTime: row.update_time,
    accessTime: row.access_time,
    expireTime: row.expire_time,
    deleteTime: row.delete_time,
    purgeTime: row.purge_time,
    retainUntilTime: row.retain_until_time,
  };
}

/** The file, which nobody else changes until the transaction ends, and the transaction's time; null when there is none. */
export async function lockFile(
  sql: Sql,
  tenantId: string,
  fileId: string,
): Promise<{ file: FileRecord; now: Date } | null> {
  const { rows } = await sql.query<FileRow & { now: Date }>(
    `select ${FILE_COLUMNS}, now() as now from files where tenant_id = $1 and file_id = $2 for update`,
    [tenantId, fileId],
  );
  return rows[0] === undefined ? null : { file: fileOf(rows[0]), now: rows[0].now };
}
