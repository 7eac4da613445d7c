import type { Postgres } from '../postgres/postgres.ts';

const SECRET_BYTES = 32;

/**
 * A secret of 32 bytes that every process on this database shares, such as `page-tokens`; whoever asks first makes it.
 * `randomBytes` gives as many unpredictable bytes as asked (`node:crypto`). Throws DATABASE_UNAVAILABLE.
 */
export async function serverSecret(
  postgres: Postgres,
  name: string,
  randomBytes: (size: number) => Buffer,
): Promise<Buffer> {
  await postgres.query(
    'insert into server_secrets (name, value) values ($1, $2) on conflict (name) do nothing',
    [name, randomBytes(SECRET_BYTES)],
  );
  const { rows } = await postgres.query<{ value: Buffer }>(
    'select value from server_secrets where name = $1',
    [name],
  );
  if (rows[0] === undefined) throw new Error(`The secret ${name} vanished.`);
  return rows[0].value;
}
