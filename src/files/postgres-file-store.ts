import { LongshoreError } from '../errors.ts';
import type { Postgres, Sql } from '../postgres/postgres.ts';
import { Parameters } from '../postgres/parameters.ts';
import {
  fileNotFound,
  oneNotFound,
  requireEtag,
  requireNotRetained,
  requireRetentionKept,
} from './file-guard.ts';
import type { FileListQuery, FileStore, StoredContent } from './file-store.ts';
import type { FileChanges, FileRecord, FileSpec } from './file.ts';
import { cursorOf, type PageCursor } from './page.ts';
import { commitFile, commitHeldFile, copyFile, type CommitOptions } from './postgres-file-commit.ts';
import { FILE_COLUMNS, fileOf, lockFile, NEW_ETAG, type FileRow } from './postgres-file-row.ts';
import {
  expireFiles,
  purgeFiles,
  quarantineFiles,
  recordAccess,
  type FileReads,
} from './postgres-file-sweep.ts';
import { filterSql } from './postgres-filter.ts';
import { afterSql, orderBySql } from './postgres-keyset.ts';

/** File records in the tables `files` and `blobs`. */
export class PostgresFileStore implements FileStore {
  readonly #postgres: Postgres;

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
  }

  async get(tenantId: string, fileId: string): Promise<FileRecord> {
    const { rows } = await this.#postgres.query<FileRow>(
      `select ${FILE_COLUMNS} from files where tenant_id = $1 and file_id = $2`,
      [tenantId, fileId],
      { name: 'file-get' },
    );
    if (rows[0] === undefined) throw fileNotFound();
    return fileOf(rows[0]);
  }

  async getMany(tenantId: string, fileIds: readonly string[]): Promise<FileRecord[]> {
    const { rows } = await this.#postgres.query<FileRow>(
      `select ${FILE_COLUMNS} from files where tenant_id = $1 and file_id = any($2)`,
      [tenantId, fileIds],
    );
    return inOrder(tenantId, fileIds, rows.map(fileOf));
  }

  async findByDigest(tenantId: string, sha256: string): Promise<FileRecord | null> {
    const { rows } = await this.#postgres.query<FileRow>(
      `select ${FILE_COLUMNS} from files
       where tenant_id = $1 and sha256 = $2 and state = 'active'
       order by create_time, file_id
       limit 1`,
      [tenantId, Buffer.from(sha256, 'hex')],
    );
    return rows[0] === undefined ? null : fileOf(rows[0]);
  }

  async missingDigests(
    tenantId: string,
    digests: readonly { sha256: string; sizeBytes: number | null }[],
  ): Promise<Set<string>> {
    const { rows } = await this.#postgres.query<{ sha256: string }>(
      `select asked.sha256
       from unnest($2::text[], $3::bigint[]) as asked (sha256, size_bytes)
       where not exists (
         select from files
         where files.tenant_id = $1 and files.sha256 = decode(asked.sha256, 'hex') and files.state = 'active'
           and (asked.size_bytes is null or files.size_bytes = asked.size_bytes))`,
      [tenantId, digests.map((digest) => digest.sha256), digests.map((digest) => digest.sizeBytes)],
    );
    return new Set(rows.map((row) => row.sha256));
  }

  async list(query: FileListQuery): Promise<{ files: FileRecord[]; next: PageCursor | null }> {
    const { tenantId, filter, order, pageSize, cursor, showDeleted } = query;
    const parameters = new Parameters();
    const conditions = [
      `files.tenant_id = ${parameters.add(tenantId, 'text')}`,
      ...(showDeleted ? [] : [`files.state <> 'deleted'`]),
      ...(cursor === null ? [] : [afterSql(order, cursor, parameters)]),
      ...(filter === null ? [] : [filterSql(filter, parameters)]),
    ];
    // One more than asked tells whether there is a next page.
    const { rows } = await this.#postgres.query<FileRow>(
      `select ${FILE_COLUMNS} from files
       where ${conditions.join('\n         and ')}
       order by ${orderBySql(order)}
       limit ${parameters.add(pageSize + 1, 'bigint')}`,
      parameters.values,
    );
    const files = rows.slice(0, pageSize).map(fileOf);
    const last = files.at(-1);
    const next = rows.length > pageSize && last !== undefined ? cursorOf(order, last) : null;
    return { files, next };
  }

  update(tenantId: string, fileId: string, changes: FileChanges, etag: string | null): Promise<FileRecord> {
    return this.#postgres.transaction(async (sql) => {
      const { file, now } = await lockUndeleted(sql, tenantId, fileId);
      requireEtag(file, etag);
      const changed = { ...file, ...changes };
      requireRetentionKept(file, changed.retainUntilTime, now);
      const { rows } = await sql.query<FileRow>(
        `update files
         set display_name = $3, media_type = $4, labels = $5, metadata = $6, expire_time = $7,
           retain_until_time = $8, etag = ${NEW_ETAG}, update_time = now()
         where tenant_id = $1 and file_id = $2
         returning ${FILE_COLUMNS}`,
        [
          tenantId,
          fileId,
          changed.displayName,
          changed.mediaType,
          JSON.stringify(changed.labels),
          JSON.stringify(changed.metadata),
          changed.expireTime,
          changed.retainUntilTime,
        ],
      );
      return fileOf(rows[0] as FileRow);
    });
  }

  copy(
    source: { tenantId: string; fileId: string },
    target: { tenantId: string; fileId: string },
  ): Promise<FileRecord> {
    return copyFile(this.#postgres, source, target);
  }

  delete(
    tenantId: string,
    fileId: string,
    options: { etag: string | null; allowMissing: boolean; purgeTime: Date },
  ): Promise<FileRecord | null> {
    return this.#postgres.transaction(async (sql) => {
      const locked = await lockFile(sql, tenantId, fileId);
      if (locked === null || locked.file.state === 'deleted') {
        if (options.allowMissing) return null;
        throw fileNotFound();
      }
      requireEtag(locked.file, options.etag);
      requireNotRetained(locked.file, locked.now);
      const [deleted] = await markDeleted(sql, tenantId, [fileId], options.purgeTime);
      return deleted as FileRecord;
    });
  }

  deleteMany(tenantId: string, fileIds: readonly string[], purgeTime: Date): Promise<FileRecord[]> {
    return this.#postgres.transaction(async (sql) => {
      // In one order, so that two batches wait for each other instead of both for ever.
      const { rows } = await sql.query<FileRow & { now: Date }>(
        `select ${FILE_COLUMNS}, now() as now from files
         where tenant_id = $1 and file_id = any($2) and state <> 'deleted'
         order by file_id
         for update`,
        [tenantId, fileIds],
      );
      inOrder(tenantId, fileIds, rows.map(fileOf));
      for (const row of rows) requireNotRetained(fileOf(row), row.now);
      return inOrder(tenantId, fileIds, await markDeleted(sql, tenantId, fileIds, purgeTime));
    });
  }

  undelete(tenantId: string, fileId: string, etag: string | null): Promise<FileRecord> {
    return this.#postgres.transaction(async (sql) => {
      const locked = await lockFile(sql, tenantId, fileId);
      if (locked === null) throw fileNotFound();
      requireEtag(locked.file, etag);
      if (locked.file.state !== 'deleted') {
        throw new LongshoreError('ALREADY_EXISTS', 'The file is not deleted.');
      }
      // An expiry that has passed would delete it again at once. Its content may have gone bad meanwhile.
      const { rows } = await sql.query<FileRow>(
        `update files
         set state = blobs.state, delete_time = null, purge_time = null,
           expire_time = case when expire_time > now() then expire_time end,
           etag = ${NEW_ETAG}, update_time = now()
         from blobs
         where files.tenant_id = $1 and files.file_id = $2 and blobs.sha256 = files.sha256
         returning ${FILE_COLUMNS}`,
        [tenantId, fileId],
      );
      return fileOf(rows[0] as FileRow);
    });
  }

  commit(
    tenantId: string,
    file: FileSpec,
    content: StoredContent,
    options: CommitOptions,
    place: () => Promise<{ existed: boolean }>,
  ): Promise<{ file: FileRecord; deduplicated: boolean }> {
    return commitFile(this.#postgres, tenantId, file, content, options, place);
  }

  commitHeld(
    tenantId: string,
    file: FileSpec,
    digest: { sha256: string; sizeBytes: number | null },
    options: CommitOptions,
  ): Promise<FileRecord | null> {
    return commitHeldFile(this.#postgres, tenantId, file, digest, options);
  }

  recordAccess(reads: readonly FileReads[]): Promise<void> {
    return recordAccess(this.#postgres, reads);
  }

  expire(now: Date, purgeTime: Date, limit: number): Promise<number> {
    return expireFiles(this.#postgres, now, purgeTime, limit);
  }

  purge(now: Date, limit: number): Promise<number> {
    return purgeFiles(this.#postgres, now, limit);
  }

  setQuarantine(sha256: string, quarantined: boolean): Promise<number> {
    return quarantineFiles(this.#postgres, sha256, quarantined);
  }

  async storedBytes(tenantId: string): Promise<number> {
    const { rows } = await this.#postgres.query<{ bytes: number }>(
      `select coalesce(sum(size_bytes), 0)::bigint as bytes from files where tenant_id = $1 and state = 'active'`,
      [tenantId],
    );
    return rows[0]?.bytes ?? 0;
  }
}

async function lockUndeleted(
  sql: Sql,
  tenantId: string,
  fileId: string,
): Promise<{ file: FileRecord; now: Date }> {
  const locked = await lockFile(sql, tenantId, fileId);
  if (locked === null || locked.file.state === 'deleted') throw fileNotFound();
  return locked;
}

async function markDeleted(
  sql: Sql,
  tenantId: string,
  fileIds: readonly string[],
  purgeTime: Date,
): Promise<FileRecord[]> {
  const { rows } = await sql.query<FileRow>(
    `update files
     set state = 'deleted', delete_time = now(), purge_time = $3, etag = ${NEW_ETAG}, update_time = now()
     where tenant_id = $1 and file_id = any($2)
     returning ${FILE_COLUMNS}`,
    [tenantId, fileIds, purgeTime],
  );
  return rows.map(fileOf);
}

/** Throws FILE_NOT_FOUND for the first that is missing. */
function inOrder(tenantId: string, fileIds: readonly string[], files: readonly FileRecord[]): FileRecord[] {
  const byId = new Map(files.map((file) => [file.fileId, file]));
  return fileIds.map((fileId) => {
    const file = byId.get(fileId);
    if (file === undefined) throw oneNotFound(tenantId, fileId);
    return file;
  });
}
