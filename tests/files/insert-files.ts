import { createHash } from 'node:crypto';
import type { FileRecord } from '../../src/files/file.ts';
import type { Sql } from '../../src/postgres/postgres.ts';

/** Rows as a test wants them, past the store: with its own times and states. */
export async function insertFiles(sql: Sql, files: readonly FileRecord[]): Promise<void> {
  await sql.query(
    `insert into blobs (sha256, size_bytes, crc32c, chunk_digests)
     select distinct on (sha256) decode(sha256, 'hex'), size_bytes, 0, decode(sha256, 'hex')
     from unnest($1::text[], $2::bigint[]) as given (sha256, size_bytes)
     on conflict do nothing`,
    [files.map((file) => file.sha256), files.map((file) => file.sizeBytes)],
  );
  for (const file of files) {
    await sql.query(
      `insert into files (tenant_id, file_id, display_name, media_type, sha256, size_bytes, labels, metadata, state,
         etag, region, access_count, create_time, update_time, access_time, expire_time, delete_time, purge_time,
         retain_until_time)
       values ($1, $2, $3, $4, decode($5, 'hex'), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
      [
        file.tenantId,
        file.fileId,
        file.displayName,
        file.mediaType,
        file.sha256,
        file.sizeBytes,
        JSON.stringify(file.labels),
        JSON.stringify(file.metadata),
        file.state,
        file.etag,
        file.region,
        file.accessCount,
        file.createTime,
        file.updateTime,
        file.accessTime,
        file.expireTime,
        file.deleteTime,
        file.purgeTime,
        file.retainUntilTime,
      ],
    );
  }
}

export function recordOf(tenantId: string, fileId: string, changes: Partial<FileRecord> = {}): FileRecord {
  return {
    tenantId,
    fileId,
    displayName: fileId,
    mediaType: 'text/plain',
    sha256: createHash('sha256').update(fileId).digest('hex'),
    sizeBytes: 1,
    labels: {},
    metadata: {},
    state: 'active',
    etag: 'e',
    region: '',
    accessCount: 0,
    createTime: new Date('2026-01-01T00:00:00Z'),
    updateTime: new Date('2026-01-01T00:00:00Z'),
    accessTime: null,
    expireTime: null,
    deleteTime: null,
    purgeTime: null,
    retainUntilTime: null,
    ...changes,
  };
}
