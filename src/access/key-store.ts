import type { ApiKey } from './api-key.ts';
import type { Role } from './caller.ts';

export interface KeyRecord extends ApiKey {
  /** Null: every tenant. */
  readonly tenantId: string | null;
  readonly role: Role;
  readonly description: string;
  readonly createTime: Date;
  /** Good until then; null: for ever. */
  readonly expireTime: Date | null;
  /** Since when it is no longer good. */
  readonly revokeTime: Date | null;
}

export type NewKey = Pick<
  KeyRecord,
  'keyId' | 'secretSha256' | 'tenantId' | 'role' | 'description' | 'expireTime'
>;

/** API keys. Throws DATABASE_UNAVAILABLE when the database does not answer. */
export interface KeyStore {
  create(key: NewKey): Promise<KeyRecord>;
  /** Null when there is no such key; revoked and expired ones are found, and say so. */
  find(keyId: string): Promise<KeyRecord | null>;
  /** Newest first; at most `limit`. Null: the keys of every tenant, and those for every tenant. */
  list(tenantId: string | null, limit: number): Promise<KeyRecord[]>;
  /** Revokes at once and for good; repeating it is harmless. Null when there is no such key. */
  revoke(keyId: string): Promise<KeyRecord | null>;
}
