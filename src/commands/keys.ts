import { randomBytes } from 'node:crypto';
import { makeApiKey } from '../access/api-key.ts';
import { ROLES, type Role } from '../access/caller.ts';
import type { KeyRecord } from '../access/key-store.ts';
import { PostgresKeyStore } from '../access/postgres-key-store.ts';
import { loadConfig } from '../config.ts';
import { checkTenantId } from '../files/names.ts';
import { migrate } from '../postgres/migrations.ts';
import { createPostgres } from '../postgres/postgres.ts';
import { withDatabase } from './database.ts';

export interface KeyOptions {
  tenant: string;
  role: string;
  description: string;
}

const LISTED_MAX = 1000;

/** `longshore keys create|list|revoke`: works on the database itself, so that the first key needs no key. */
export async function keysCommand(
  action: string,
  keyId: string | undefined,
  options: KeyOptions,
): Promise<void> {
  await withDatabase(loadConfig(), async (url) => {
    await migrate({ url });
    const postgres = createPostgres({ url });
    try {
      const keys = new PostgresKeyStore(postgres);
      if (action === 'create') await create(keys, options);
      else if (action === 'list') (await keys.list(options.tenant, LISTED_MAX)).forEach(print);
      else if (action === 'revoke' && keyId !== undefined) await revoke(keys, keyId);
      else throw new Error('say "keys create", "keys list" or "keys revoke KEY-ID"');
    } finally {
      await postgres.close();
    }
  });
}

async function create(keys: PostgresKeyStore, { tenant, role, description }: KeyOptions): Promise<void> {
  if (!isRole(role)) throw new Error(`--role is one of ${ROLES.join(', ')}, not ${role}`);
  const key = makeApiKey(randomBytes);
  await keys.create({
    keyId: key.keyId,
    secretSha256: key.secretSha256,
    tenantId: checkTenantId(tenant, 'tenant'),
    role,
    description,
    expireTime: null,
  });
  // The only time that it is shown: the database holds its hash.
  process.stdout.write(`${key.text}\n`);
}

async function revoke(keys: PostgresKeyStore, keyId: string): Promise<void> {
  const revoked = await keys.revoke(keyId);
  if (!revoked) throw new Error(`there is no key ${keyId}`);
  print(revoked);
}

function print({ keyId, tenantId, role, revokeTime, description }: KeyRecord): void {
  process.stdout.write(
    `${keyId} ${tenantId ?? '*'} ${role} ${revokeTime ? 'revoked' : 'good'} ${description}\n`,
  );
}

function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}
