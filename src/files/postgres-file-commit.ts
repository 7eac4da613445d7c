import type { Postgres, Sql } from '../postgres/postgres.ts';
import { lockDigest } from '../blobs/postgres-digest-lock.ts';
import { alreadyExists, fileNotFound, requireNotRetained } from './file-guard.ts';
import type { StoredContent } from './file-store.ts';
import type { FileRecord, FileSpec } from './file.ts';
import { FILE_COLUMNS, fileOf, lockFile, NEW_ETAG, type FileRow } from './postgres-file-row.ts';
import { uploadClosed, uploadNotFound } from './upload-closed.ts';
import type { UploadState } from './upload.ts';

export interface CommitOptions {
  readonly mustNotExist: boolean;
  readonly uploadId: string | null;
}

/** See FileStore.commit. */
export async function commitFile(
  postgres: Postgres,
  tenantId: string,
  spec: FileSpec,
  content: StoredContent,
  options: CommitOptions,
  place: () => Promise<{ existed: boolean }>,
): Promise<{ file: FileRecord; deduplicated: boolean }> {
  const { sha256, sizeBytes } = content;
  // After a deadlock the transaction runs again, and finds the bytes there that its first run placed.
  let placedHere = false;
  return postgres.transaction(async (sql) => {
    await lockDigestAndName(sql, sha256, tenantId, spec.fileId);
    const finished = await finishedUpload(sql, tenantId, options.uploadId);
    if (finished !== null) return finished;
    const replaced = await lockReplaced(sql, tenantId, spec.fileId, options.mustNotExist);
    const { existed } = await place();
    placedHere ||= !existed;
    const before = await writeBlob(sql, content, placedHere);
    if (before === 'quarantined') await liftQuarantine(sql, sha256);
    const file = await writeFile(sql, tenantId, spec, sha256, sizeBytes, replaced);
    const deduplicated = before !== null && !placedHere;
    await completeUpload(sql, tenantId, options.uploadId, sha256, deduplicated);
    return { file, deduplicated };
  });
}

/** See FileStore.commitHeld. */
export async function commitHeldFile(
  postgres: Postgres,
  tenantId: string,
  spec: FileSpec,
  digest: { sha256: string; sizeBytes: number | null },
  options: CommitOptions,
): Promise<FileRecord | null> {
  const { sha256 } = digest;
  return postgres.transaction(async (sql) => {
    await lockDigestAndName(sql, sha256, tenantId, spec.fileId);
    const finished = await finishedUpload(sql, tenantId, options.uploadId);
    if (finished !== null) return finished.file;
    const held = await sql.query<{ size_bytes: number }>(
      `select size_bytes from files
       where tenant_id = $1 and sha256 = $2 and state = 'active' and ($3::bigint is null or size_bytes = $3)
       limit 1`,
      [tenantId, Buffer.from(sha256, 'hex'), digest.sizeBytes],
    );
    const sizeBytes = held.rows[0]?.size_bytes;
    if (sizeBytes === undefined) return null;
    const replaced = await lockReplaced(sql, tenantId, spec.fileId, options.mustNotExist);
    await sql.query('update blobs set duplicate_count = duplicate_count + 1 where sha256 = $1', [
      Buffer.from(sha256, 'hex'),
    ]);
    const file = await writeFile(sql, tenantId, spec, sha256, sizeBytes, replaced);
    await completeUpload(sql, tenantId, options.uploadId, sha256, true);
    return file;
  });
}

/** A file's name has a lock too, so that of two who make a new file one sees the other's. Always after the digest's. */
async function lockDigestAndName(sql: Sql, sha256: string, tenantId: string, fileId: string): Promise<void> {
  await lockDigest(sql, sha256);
  await lockFileName(sql, tenantId, fileId);
}

/** For whoever makes a file that may not be there yet; ends with the transaction. */
async function lockFileName(sql: Sql, tenantId: string, fileId: string): Promise<void> {
  await sql.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${tenantId}/${fileId}`]);
}

/** What the upload gave, when it is complete already. Throws UPLOAD_CLOSED, UPLOAD_EXPIRED when it ended otherwise. */
async function finishedUpload(
  sql: Sql,
  tenantId: string,
  uploadId: string | null,
): Promise<{ file: FileRecord; deduplicated: boolean } | null> {
  if (uploadId === null) return null;
  const { rows } = await sql.query<{
    state: UploadState;
    file_id: string;
    deduplicated: boolean;
    expire_time: Date;
  }>(
    `select state, file_id, deduplicated, expire_time from uploads
     where tenant_id = $1 and upload_id = $2
     for update`,
    [tenantId, uploadId],
  );
  const upload = rows[0];
  if (upload === undefined) throw uploadNotFound();
  if (upload.state === 'open' || upload.state === 'finalizing') return null;
  if (upload.state !== 'completed') throw uploadClosed(upload.state, upload.expire_time);
  const locked = await lockFile(sql, tenantId, upload.file_id);
  if (locked === null) throw fileNotFound();
  return { file: locked.file, deduplicated: upload.deduplicated };
}

/** The record that gives way, or null. Throws ALREADY_EXISTS and RETENTION_ACTIVE where it may not. */
async function lockReplaced(
  sql: Sql,
  tenantId: string,
  fileId: string,
  mustNotExist: boolean,
): Promise<FileRecord | null> {
  const locked = await lockFile(sql, tenantId, fileId);
  if (locked === null) return null;
  const { file, now } = locked;
  if (file.state === 'deleted') return file;
  if (mustNotExist) throw alreadyExists(tenantId, fileId);
  requireNotRetained(file, now);
  return file;
}

/** The blob's row, as good now, whatever it was. Returns its state before; null when there was none. */
async function writeBlob(
  sql: Sql,
  content: StoredContent,
  placedHere: boolean,
): Promise<'active' | 'quarantined' | null> {
  const sha256 = Buffer.from(content.sha256, 'hex');
  const before = await sql.query<{ state: 'active' | 'quarantined' }>(
    'select state from blobs where sha256 = $1 for update',
    [sha256],
  );
  const state = before.rows[0]?.state ?? null;
  if (state === null) {
    await sql.query('insert into blobs (sha256, size_bytes, crc32c, chunk_digests) values ($1, $2, $3, $4)', [
      sha256,
      content.sizeBytes,
      content.crc32c,
      content.chunkDigests,
    ]);
  } else {
    await sql.query(
      `update blobs
       set duplicate_count = duplicate_count + case when $2 then 0 else 1 end,
         verify_time = case when $2 then now() else verify_time end,
         state = 'active',
         bad_chunks = '{}'
       where sha256 = $1`,
      [sha256, placedHere],
    );
  }
  return state;
}

/** Bytes that were set aside have a good copy in their place again. */
async function liftQuarantine(sql: Sql, sha256: string): Promise<void> {
  await sql.query(
    `update files set state = 'active', etag = ${NEW_ETAG}, update_time = now()
     where sha256 = $1 and state = 'quarantined'`,
    [Buffer.from(sha256, 'hex')],
  );
}

/** A deleted record that gives way leaves nothing behind; another keeps its times of creation and access. */
async function writeFile(
  sql: Sql,
  tenantId: string,
  spec: FileSpec,
  sha256: string,
  sizeBytes: number,
  replaced: FileRecord | null,
): Promise<FileRecord> {
  const { rows } = await sql.query<FileRow>(
    `insert into files (tenant_id, file_id, display_name, media_type, sha256, size_bytes, labels, metadata, region,
       expire_time, retain_until_time, etag)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, ${NEW_ETAG})
     on conflict (tenant_id, file_id) do update set
       display_name = excluded.display_name,
       media_type = excluded.media_type,
       sha256 = excluded.sha256,
       size_bytes = excluded.size_bytes,
       labels = excluded.labels,
       metadata = excluded.metadata,
       region = excluded.region,
       expire_time = excluded.expire_time,
       retain_until_time = excluded.retain_until_time,
       etag = excluded.etag,
       state = 'active',
       update_time = now(),
       create_time = case when files.state = 'deleted' then now() else files.create_time end,
       access_time = case when files.state = 'deleted' then null else files.access_time end,
       access_count = case when files.state = 'deleted' then 0 else files.access_count end,
       delete_time = null,
       purge_time = null
     returning ${FILE_COLUMNS}`,
    [
      tenantId,
      spec.fileId,
      spec.displayName,
      spec.mediaType,
      Buffer.from(sha256, 'hex'),
      sizeBytes,
      JSON.stringify(spec.labels),
      JSON.stringify(spec.metadata),
      spec.region,
      spec.expireTime,
      spec.retainUntilTime,
    ],
  );
  if (replaced !== null && replaced.sha256 !== sha256) {
    await sql.query('update blobs set release_time = now() where sha256 = $1', [
      Buffer.from(replaced.sha256, 'hex'),
    ]);
  }
  return fileOf(rows[0] as FileRow);
}

async function completeUpload(
  sql: Sql,
  tenantId: string,
  uploadId: string | null,
  sha256: string,
  deduplicated: boolean,
): Promise<void> {
  if (uploadId === null) return;
  await sql.query(
    `update uploads
     set state = 'completed', sha256 = $3, deduplicated = $4, error = null, update_time = now()
     where tenant_id = $1 and upload_id = $2`,
    [tenantId, uploadId, Buffer.from(sha256, 'hex'), deduplicated],
  );
}

/**
 * See FileStore.copy. The lock on the source keeps the blob: a collector finds a file that points to it. What the copy
 * does not take along is the retention, which was promised for the source alone.
 */
export async function copyFile(
  postgres: Postgres,
  source: { tenantId: string; fileId: string },
  target: { tenantId: string; fileId: string },
): Promise<FileRecord> {
  return postgres.transaction(async (sql) => {
    await lockFileName(sql, target.tenantId, target.fileId);
    const { rows } = await sql.query<FileRow>(
      `select ${FILE_COLUMNS} from files
       where tenant_id = $1 and file_id = $2 and state = 'active'
       for share`,
      [source.tenantId, source.fileId],
    );
    if (rows[0] === undefined) throw fileNotFound();
    const original = fileOf(rows[0]);
    const replaced = await lockReplaced(sql, target.tenantId, target.fileId, true);
    const spec = { ...original, fileId: target.fileId, retainUntilTime: null };
    return writeFile(sql, target.tenantId, spec, original.sha256, original.sizeBytes, replaced);
  });
}
