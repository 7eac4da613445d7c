import type { Postgres } from '../postgres/postgres.ts';
import { NEW_ETAG } from './postgres-file-row.ts';

/** Rows in one statement, where more may have to be changed. */
const BATCH_ROWS = 1_000;

export interface FileReads {
  readonly tenantId: string;
  readonly fileId: string;
  readonly count: number;
  readonly lastTime: Date;
}

/** See FileStore.recordAccess. */
export async function recordAccess(postgres: Postgres, reads: readonly FileReads[]): Promise<void> {
  for (let i = 0; i < reads.length; i += BATCH_ROWS) {
    const batch = reads.slice(i, i + BATCH_ROWS);
    // Rows are locked in one order, so that two batches wait for each other instead of both for ever.
    await postgres.transaction((sql) =>
      sql.query(
        `with reads as (
           select tenant_id, file_id, sum(count) as count, max(last_time) as last_time
           from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[])
             as given (tenant_id, file_id, count, last_time)
           group by tenant_id, file_id
         ), locked as (
           select files.tenant_id, files.file_id, reads.count, reads.last_time
           from files join reads using (tenant_id, file_id)
           order by files.tenant_id, files.file_id
           for no key update of files
         )
         update files
         set access_count = files.access_count + locked.count,
           access_time = greatest(files.access_time, locked.last_time)
         from locked
         where files.tenant_id = locked.tenant_id and files.file_id = locked.file_id`,
        [
          batch.map((read) => read.tenantId),
          batch.map((read) => read.fileId),
          batch.map((read) => read.count),
          batch.map((read) => read.lastTime),
        ],
      ),
    );
  }
}

/** See FileStore.expire. What is under retention stays until that has ended. */
export async function expireFiles(
  postgres: Postgres,
  now: Date,
  purgeTime: Date,
  limit: number,
): Promise<number> {
  const { count } = await postgres.transaction((sql) =>
    sql.query(
      `update files
       set state = 'deleted', delete_time = $1, purge_time = $2, etag = ${NEW_ETAG}, update_time = now()
       from (
         select tenant_id, file_id from files
         where expire_time <= $1 and state <> 'deleted'
           and (retain_until_time is null or retain_until_time <= $1)
         order by expire_time
         limit $3
         for update skip locked
       ) as due
       where files.tenant_id = due.tenant_id and files.file_id = due.file_id`,
      [now, purgeTime, limit],
    ),
  );
  return count;
}

/** See FileStore.purge. The blobs are marked as released: the sweep looks only at those. */
export async function purgeFiles(postgres: Postgres, now: Date, limit: number): Promise<number> {
  const { rows } = await postgres.transaction((sql) =>
    sql.query<{ purged: number }>(
      `with gone as (
         delete from files
         using (
           select tenant_id, file_id from files
           where purge_time <= $1 and state = 'deleted'
           order by purge_time
           limit $2
           for update skip locked
         ) as due
         where files.tenant_id = due.tenant_id and files.file_id = due.file_id
         returning files.sha256
       ), released as (
         update blobs set release_time = now()
         from (select distinct sha256 from gone order by sha256) as unused
         where blobs.sha256 = unused.sha256
       )
       select count(*) as purged from gone`,
      [now, limit],
    ),
  );
  return rows[0]?.purged ?? 0;
}

/** See FileStore.setQuarantine. */
export async function quarantineFiles(
  postgres: Postgres,
  sha256: string,
  quarantined: boolean,
): Promise<number> {
  const [from, to] = quarantined ? ['active', 'quarantined'] : ['quarantined', 'active'];
  let changed = 0;
  for (;;) {
    const { count } = await postgres.transaction((sql) =>
      sql.query(
        `update files
         set state = $3, etag = ${NEW_ETAG}, update_time = now()
         from (
           select tenant_id, file_id from files
           where sha256 = $1 and state = $2
           order by tenant_id, file_id
           limit $4
           for update
         ) as affected
         where files.tenant_id = affected.tenant_id and files.file_id = affected.file_id`,
        [Buffer.from(sha256, 'hex'), from, to, BATCH_ROWS],
      ),
    );
    changed += count;
    if (count < BATCH_ROWS) return changed;
  }
}
