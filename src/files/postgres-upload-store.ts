import type { Postgres } from '../postgres/postgres.ts';
import { fieldInvalid } from './field-invalid.ts';
import { specJson, UPLOAD_COLUMNS, uploadOf, type UploadRow } from './postgres-upload-row.ts';
import { uploadClosed, uploadNotFound, writerSuperseded } from './upload-closed.ts';
import type { NewUpload, UploadStore } from './upload-store.ts';
import type { UploadRecord } from './upload.ts';

/** NOTIFY: somebody took an upload over, or ended it. The payload is an `UploadClaim` as JSON. */
export const UPLOADS_CHANNEL = 'longshore_uploads';

const ANNOUNCE = (alone: string): string =>
  `pg_notify('${UPLOADS_CHANNEL}', json_build_object('tenantId', tenant_id, 'uploadId', upload_id,
    'epoch', writer_epoch, 'alone', ${alone})::text)`;

/** Uploads in the table `uploads`. */
export class PostgresUploadStore implements UploadStore {
  readonly #postgres: Postgres;

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
  }

  async create(upload: NewUpload): Promise<{ upload: UploadRecord; created: boolean }> {
    const { tenantId, requestId } = upload;
    const values = [
      tenantId,
      upload.uploadId,
      requestId,
      upload.file.fileId,
      specJson(upload.file),
      upload.totalSize,
      upload.expectedSha256 === null ? null : Buffer.from(upload.expectedSha256, 'hex'),
      upload.parallel,
      upload.mustNotExist,
      upload.placeOn,
      upload.expireTime,
    ];
    const inserted = await this.#postgres.query<UploadRow>(
      `insert into uploads (tenant_id, upload_id, request_id, file_id, file, total_size, expected_sha256, parallel,
         must_not_exist, place_on, expire_time)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       on conflict (tenant_id, request_id) where request_id is not null do nothing
       returning ${UPLOAD_COLUMNS}`,
      values,
    );
    if (inserted.rows[0] !== undefined) return { upload: uploadOf(inserted.rows[0]), created: true };
    // The file's id is not compared: where the caller gave none, each attempt was given another.
    const first = await this.#postgres.query<UploadRow & { same: boolean }>(
      `select ${UPLOAD_COLUMNS},
         file = $3 and total_size is not distinct from $4 and expected_sha256 is not distinct from $5
           and parallel = $6 and must_not_exist = $7 and place_on = $8 as same
       from uploads
       where tenant_id = $1 and request_id = $2`,
      [tenantId, requestId, ...values.slice(4, 10)],
    );
    const row = first.rows[0];
    // It was forgotten between the two statements: the id is free again.
    if (row === undefined) return this.create(upload);
    if (!row.same) throw fieldInvalid('request_id', 'was used for another upload');
    return { upload: uploadOf(row), created: false };
  }

  async withdraw(tenantId: string, uploadId: string): Promise<void> {
    await this.#postgres.query(
      `delete from uploads where tenant_id = $1 and upload_id = $2 and state = 'open' and writer_epoch = 0`,
      [tenantId, uploadId],
    );
  }

  async get(tenantId: string, uploadId: string): Promise<UploadRecord> {
    const { rows } = await this.#postgres.query<UploadRow>(
      `select ${UPLOAD_COLUMNS} from uploads where tenant_id = $1 and upload_id = $2`,
      [tenantId, uploadId],
    );
    if (rows[0] === undefined) throw uploadNotFound();
    return uploadOf(rows[0]);
  }

  async list(
    tenantId: string,
    pageSize: number,
    after: { createTime: Date; uploadId: string } | null,
  ): Promise<{ uploads: UploadRecord[]; next: { createTime: Date; uploadId: string } | null }> {
    const { rows } = await this.#postgres.query<UploadRow>(
      `select ${UPLOAD_COLUMNS} from uploads
       where tenant_id = $1
         ${after === null ? '' : 'and (create_time, upload_id) < ($3::timestamptz, $4::text)'}
       order by create_time desc, upload_id desc
       limit $2`,
      [tenantId, pageSize + 1, ...(after === null ? [] : [after.createTime, after.uploadId])],
    );
    const uploads = rows.slice(0, pageSize).map(uploadOf);
    const last = uploads.at(-1);
    const more = rows.length > pageSize && last !== undefined;
    return { uploads, next: more ? { createTime: last.createTime, uploadId: last.uploadId } : null };
  }

  async claim(tenantId: string, uploadId: string, now: Date, alone: boolean): Promise<UploadRecord> {
    const { rows } = await this.#postgres.query<UploadRow>(
      `with claimed as (
         update uploads
         set writer_epoch = writer_epoch + 1, update_time = now()
         where tenant_id = $1 and upload_id = $2 and state = 'open' and expire_time > $3
         returning *
       )
       select ${UPLOAD_COLUMNS}, ${ANNOUNCE('$4::boolean')} from claimed as uploads`,
      [tenantId, uploadId, now, alone],
    );
    if (rows[0] !== undefined) return uploadOf(rows[0]);
    const upload = await this.get(tenantId, uploadId);
    if (upload.state === 'completed' || upload.state === 'finalizing') return upload;
    // It was opened again between the two statements.
    if (upload.state === 'open' && upload.expireTime > now) return this.claim(tenantId, uploadId, now, alone);
    throw uploadClosed(upload.state, upload.expireTime);
  }

  async epoch(tenantId: string, uploadId: string): Promise<number> {
    const { rows } = await this.#postgres.query<{ writer_epoch: number }>(
      'select writer_epoch from uploads where tenant_id = $1 and upload_id = $2',
      [tenantId, uploadId],
    );
    if (rows[0] === undefined) throw uploadNotFound();
    return rows[0].writer_epoch;
  }

  async beginFinalize(
    tenantId: string,
    uploadId: string,
    sha256: string,
    writerEpoch: number | null = null,
  ): Promise<UploadRecord> {
    const { rows } = await this.#postgres.query<UploadRow>(
      `update uploads
       set state = 'finalizing', sha256 = $3, update_time = now()
       where tenant_id = $1 and upload_id = $2 and state in ('open', 'finalizing')
         and ($4::bigint is null or writer_epoch = $4)
       returning ${UPLOAD_COLUMNS}`,
      [tenantId, uploadId, Buffer.from(sha256, 'hex'), writerEpoch],
    );
    if (rows[0] !== undefined) return uploadOf(rows[0]);
    const upload = await this.get(tenantId, uploadId);
    if (upload.state === 'completed') return upload;
    const isOpen = upload.state === 'open' || upload.state === 'finalizing';
    if (isOpen && writerEpoch !== null) throw writerSuperseded();
    throw uploadClosed(upload.state, upload.expireTime);
  }

  async reopen(tenantId: string, uploadId: string): Promise<UploadRecord> {
    const { rows } = await this.#postgres.query<UploadRow>(
      `update uploads
       set state = 'open', sha256 = null, update_time = now()
       where tenant_id = $1 and upload_id = $2 and state = 'finalizing'
       returning ${UPLOAD_COLUMNS}`,
      [tenantId, uploadId],
    );
    return rows[0] === undefined ? this.get(tenantId, uploadId) : uploadOf(rows[0]);
  }

  async fail(tenantId: string, uploadId: string, error: { reason: string; message: string }): Promise<void> {
    await this.#postgres.query(
      `update uploads
       set state = 'failed', error = $3, update_time = now()
       where tenant_id = $1 and upload_id = $2 and state in ('open', 'finalizing')`,
      [tenantId, uploadId, JSON.stringify(error)],
    );
  }

  async cancel(tenantId: string, uploadId: string): Promise<void> {
    const { count } = await this.#postgres.query(
      `with cancelled as (
         update uploads
         set state = 'cancelled', writer_epoch = writer_epoch + 1, update_time = now()
         where tenant_id = $1 and upload_id = $2 and state not in ('completed', 'cancelled')
         returning tenant_id, upload_id, writer_epoch
       )
       select ${ANNOUNCE('true')} from cancelled`,
      [tenantId, uploadId],
    );
    if (count > 0) return;
    const upload = await this.get(tenantId, uploadId);
    if (upload.state !== 'cancelled') throw uploadClosed(upload.state, upload.expireTime);
  }

  async expire(now: Date, limit: number): Promise<UploadRecord[]> {
    const { rows } = await this.#postgres.transaction((sql) =>
      sql.query<UploadRow>(
        `with expired as (
           update uploads
           set state = 'expired', writer_epoch = writer_epoch + 1, update_time = now()
           from (
             select tenant_id, upload_id from uploads
             where expire_time <= $1 and state = 'open'
             order by expire_time
             limit $2
             for update skip locked
           ) as due
           where uploads.tenant_id = due.tenant_id and uploads.upload_id = due.upload_id
           returning uploads.*
         )
         select ${UPLOAD_COLUMNS}, ${ANNOUNCE('true')} from expired as uploads`,
        [now, limit],
      ),
    );
    return rows.map(uploadOf);
  }

  async forget(before: Date, limit: number): Promise<UploadRecord[]> {
    const { rows } = await this.#postgres.transaction((sql) =>
      sql.query<UploadRow>(
        `delete from uploads
         using (
           select tenant_id, upload_id from uploads
           where update_time < $1 and state in ('completed', 'failed', 'cancelled', 'expired')
           order by update_time
           limit $2
           for update skip locked
         ) as ended
         where uploads.tenant_id = ended.tenant_id and uploads.upload_id = ended.upload_id
         returning ${UPLOAD_COLUMNS}`,
        [before, limit],
      ),
    );
    return rows.map(uploadOf);
  }

  async known(uploadIds: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.#postgres.query<{ upload_id: string }>(
      'select upload_id from uploads where upload_id = any($1)',
      [uploadIds],
    );
    return new Set(rows.map((row) => row.upload_id));
  }

  async stuck(before: Date, limit: number): Promise<UploadRecord[]> {
    const { rows } = await this.#postgres.transaction((sql) =>
      sql.query<UploadRow>(
        `update uploads
         set update_time = now()
         from (
           select tenant_id, upload_id from uploads
           where update_time < $1 and state = 'finalizing'
           order by update_time
           limit $2
           for update skip locked
         ) as left_behind
         where uploads.tenant_id = left_behind.tenant_id and uploads.upload_id = left_behind.upload_id
         returning ${UPLOAD_COLUMNS}`,
        [before, limit],
      ),
    );
    return rows.map(uploadOf);
  }
}
