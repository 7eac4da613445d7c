import type { Postgres } from '../postgres/postgres.ts';
import type { Role } from './caller.ts';
import type { KeyRecord, KeyStore, NewKey } from './key-store.ts';

interface KeyRow {
  key_id: string;
  secret_sha256: Buffer;
  tenant_id: string | null;
  role: Role;
  description: string;
  create_time: Date;
  expire_time: Date | null;
  revoke_time: Date | null;
}

const COLUMNS = 'key_id, secret_sha256, tenant_id, role, description, create_time, expire_time, revoke_time';

/** Keys in the table `api_keys`. */
export class PostgresKeyStore implements KeyStore {
  readonly #postgres: Postgres;

  constructor(postgres: Postgres) {
    this.#postgres = postgres;
  }

  async create(key: NewKey): Promise<KeyRecord> {
    const { rows } = await this.#postgres.query<KeyRow>(
      `insert into api_keys (key_id, secret_sha256, tenant_id, role, description, expire_time)
       values ($1, $2, $3, $4, $5, $6)
       returning ${COLUMNS}`,
      [key.keyId, key.secretSha256, key.tenantId, key.role, key.description, key.expireTime],
    );
    return keyOf(rows[0] as KeyRow);
  }

  async find(keyId: string): Promise<KeyRecord | null> {
    const { rows } = await this.#postgres.query<KeyRow>(`select ${COLUMNS} from api_keys where key_id = $1`, [
      keyId,
    ]);
    return rows[0] === undefined ? null : keyOf(rows[0]);
  }

  async list(tenantId: string | null, limit: number): Promise<KeyRecord[]> {
    const { rows } = await this.#postgres.query<KeyRow>(
      `select ${COLUMNS} from api_keys
       where $1::text is null or tenant_id = $1
       order by create_time desc, key_id
       limit $2`,
      [tenantId, limit],
    );
    return rows.map(keyOf);
  }

  async revoke(keyId: string): Promise<KeyRecord | null> {
    const { rows } = await this.#postgres.query<KeyRow>(
      `update api_keys set revoke_time = coalesce(revoke_time, now())
       where key_id = $1
       returning ${COLUMNS}`,
      [keyId],
    );
    return rows[0] === undefined ? null : keyOf(rows[0]);
  }
}

function keyOf(row: KeyRow): KeyRecord {
  return {
    keyId: row.key_id,
    secretSha256: row.secret_sha256,
    tenantId: row.tenant_id,
    role: row.role,
    description: row.description,
    createTime: row.create_time,
    expireTime: row.expire_time,
    revokeTime: row.revoke_time,
  };
}
