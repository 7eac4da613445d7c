import type { Postgres } from '../postgres/postgres.ts';
import type { BlobRecord, BlobRecordStore } from './blob-record-store.ts';
import { lockDigest, tryLockDigest } from './postgres-digest-lock.ts';

interface BlobRow {
  sha256: Buffer;
  size_bytes: number;
  duplicate_count: number;
  state: 'active' | 'quarantined';
  bad_chunks: number[];
  create_time: Date;
  verify_time: Date;
}

interface ReleasedRow {
  sha256: Buffer;
  release_time: Date;
}

const COLUMNS = 'sha256, size_bytes, duplicate_count, state, bad_chunks, create_time, verify_time';

/** Blob rows in the table `blobs`. */
export class PostgresBlobRecordStore implements BlobRecordStore {
  readonly #postgres: Postgres;

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
  }

  async get(sha256: string): Promise<BlobRecord | null> {
    const { rows } = await this.#postgres.query<BlobRow>(`select ${COLUMNS} from blobs where sha256 = $1`, [
      Buffer.from(sha256, 'hex'),
    ]);
    return rows[0] === undefined ? null : blobOf(rows[0]);
  }

  async known(sha256s: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.#postgres.query<{ sha256: Buffer }>(
      `select sha256 from blobs where sha256 = any($1::bytea[])`,
      [sha256s.map((sha256) => Buffer.from(sha256, 'hex'))],
    );
    return new Set(rows.map((row) => row.sha256.toString('hex')));
  }

  async recordVerification(sha256: string, badChunks: readonly number[], now: Date): Promise<void> {
    await this.#postgres.query(
      `update blobs
       set state = case when cardinality($2::integer[]) = 0 then 'active' else 'quarantined' end,
         bad_chunks = $2,
         verify_time = $3
       where sha256 = $1`,
      [Buffer.from(sha256, 'hex'), badChunks, now],
    );
  }

  async dueForVerification(before: Date, limit: number): Promise<BlobRecord[]> {
    const { rows } = await this.#postgres.query<BlobRow>(
      `select ${COLUMNS} from blobs
       where verify_time < $1 and state = 'active'
       order by verify_time
       limit $2`,
      [before, limit],
    );
    return rows.map(blobOf);
  }

  async collect(
    createdBefore: Date,
    limit: number,
    remove: (sha256: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<number> {
    let collected = 0;
    const failures: unknown[] = [];
    let page: ReleasedRow[] = [];
    do {
      page = await this.#released(createdBefore, limit, page.at(-1) ?? null);
      for (const row of page) {
        signal.throwIfAborted();
        if (collected === limit) break;
        // One blob whose bytes cannot be deleted does not keep the others.
        try {
          if (await this.#collectOne(row.sha256, remove)) collected += 1;
        } catch (error) {
          failures.push(error);
        }
      }
      // What is in use or in somebody's hands fills pages too, and must not hide what comes behind it.
    } while (collected < limit && page.length === limit);
    if (failures.length > 0) throw failures[0];
    return collected;
  }

  async #released(createdBefore: Date, limit: number, after: ReleasedRow | null): Promise<ReleasedRow[]> {
    const { rows } = await this.#postgres.query<ReleasedRow>(
      `select sha256, release_time from blobs
       where release_time is not null and create_time < $1
         ${after === null ? '' : 'and (release_time, sha256) > ($3::timestamptz, $4::bytea)'}
       order by release_time, sha256
       limit $2`,
      [createdBefore, limit, ...(after === null ? [] : [after.release_time, after.sha256])],
    );
    return rows;
  }

  /** Whoever holds the lock is just using the blob: it is left for the next time. */
  #collectOne(sha256: Buffer, remove: (sha256: string) => Promise<void>): Promise<boolean> {
    return this.#postgres.transaction(async (sql) => {
      const hex = sha256.toString('hex');
      if (!(await tryLockDigest(sql, hex))) return false;
      const locked = await sql.query('select from blobs where sha256 = $1 for update', [sha256]);
      if (locked.rows.length === 0) return false;
      // Asked when the row is locked, not with the lock: who let go of the blob meanwhile has to be seen.
      const used = await sql.query('select from files where sha256 = $1 limit 1', [sha256]);
      if (used.rows.length > 0) {
        await sql.query('update blobs set release_time = null where sha256 = $1', [sha256]);
        return false;
      }
      await remove(hex);
      await sql.query('delete from blobs where sha256 = $1', [sha256]);
      return true;
    });
  }

  withLock<T>(sha256: string, act: (known: boolean) => Promise<T>): Promise<T> {
    return this.#postgres.transaction(async (sql) => {
      await lockDigest(sql, sha256);
      const { rows } = await sql.query('select from blobs where sha256 = $1', [Buffer.from(sha256, 'hex')]);
      return act(rows.length > 0);
    });
  }
}

function blobOf(row: BlobRow): BlobRecord {
  return {
    sha256: row.sha256.toString('hex'),
    sizeBytes: row.size_bytes,
    duplicateCount: row.duplicate_count,
    state: row.state,
    badChunks: row.bad_chunks,
    createTime: row.create_time,
    verifyTime: row.verify_time,
  };
}
