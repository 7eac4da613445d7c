import type { Sql } from '../postgres/postgres.ts';

/**
 * Waits for the digest's lock, which ends with the transaction. Who makes, removes or sets aside the bytes of a digest holds
 * it, in whatever process.
 */
export async function lockDigest(sql: Sql, sha256: string): Promise<void> {
  await sql.query('select pg_advisory_xact_lock($1::bigint)', [digestLockKey(sha256)]);
}

/** Takes the lock if nobody has it, and says whether it did. */
export async function tryLockDigest(sql: Sql, sha256: string): Promise<boolean> {
  const { rows } = await sql.query<{ locked: boolean }>(
    'select pg_try_advisory_xact_lock($1::bigint) as locked',
    [digestLockKey(sha256)],
  );
  return rows[0]?.locked === true;
}

/** The digest's first 8 bytes. Two digests that share them wait for each other, which is rare and harmless. */
function digestLockKey(sha256: string): string {
  return Buffer.from(sha256.slice(0, 16), 'hex').readBigInt64BE().toString();
}
