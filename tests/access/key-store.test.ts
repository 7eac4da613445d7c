import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { makeApiKey } from '../../src/access/api-key.ts';
import { authenticate } from '../../src/access/authenticate.ts';
import { cachedKeyStore, KEY_CACHE_TTL_MS } from '../../src/access/cached-key-store.ts';
import type { KeyStore, NewKey } from '../../src/access/key-store.ts';
import { PostgresKeyStore } from '../../src/access/postgres-key-store.ts';
import { serverSecret } from '../../src/access/postgres-server-secret.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
afterAll(() => database.close());
const clock = new FakeClock();

function newKey(tenantId: string | null, expireTime: Date | null = null): NewKey & { text: string } {
  return { ...makeApiKey(randomBytes), tenantId, role: 'writer', description: 'a test', expireTime };
}

describe.each<[string, () => KeyStore]>([
  ['postgres', () => new PostgresKeyStore(database.postgres)],
  ['cached', () => cachedKeyStore(new PostgresKeyStore(database.postgres), clock)],
])('a %s key store', (name, open) => {
  const keys = open();

  it('finds what it created', async () => {
    const key = newKey('acme');
    expect(await keys.find(key.keyId)).toBeNull();
    const created = await keys.create(key);
    const { keyId, secretSha256, tenantId, role, description } = key;
    expect(created).toMatchObject({ keyId, secretSha256, tenantId, role, description, revokeTime: null });
    expect(await keys.find(keyId)).toEqual(created);
  });

  it('lists the keys of one tenant, or all, newest first', async () => {
    const tenantId = `lister-${name}`;
    const own = await keys.create(newKey(tenantId));
    const global = await keys.create(newKey(null));
    expect(await keys.list(tenantId, 10)).toEqual([own]);
    expect(await keys.list(null, 100)).toEqual(expect.arrayContaining([own, global]));
    expect(await keys.list(null, 1)).toHaveLength(1);
  });

  it('revokes for good', async () => {
    const key = newKey('acme');
    await keys.create(key);
    await authenticate(keys, key.text, clock.nowMs());
    const revoked = await keys.revoke(key.keyId);
    expect(revoked?.revokeTime).toBeInstanceOf(Date);
    expect(await keys.revoke(key.keyId)).toEqual(revoked);
    await expect(authenticate(keys, key.text, clock.nowMs())).rejects.toThrow(
      expect.objectContaining({ reason: 'CREDENTIALS_INVALID' }),
    );
    expect(await keys.revoke('0000000000000000')).toBeNull();
  });

  it('lets in who shows the whole key, until it expires', async () => {
    const expireTime = new Date(clock.nowMs() + 60_000);
    const key = newKey(null, expireTime);
    await keys.create(key);
    expect(await authenticate(keys, key.text, expireTime.getTime() - 1)).toEqual({
      tenantId: null,
      role: 'writer',
      keyId: key.keyId,
    });
    const invalid = expect.objectContaining({ reason: 'CREDENTIALS_INVALID' });
    await expect(authenticate(keys, key.text, expireTime.getTime())).rejects.toThrow(invalid);
    const otherSecret = `lsk_${key.keyId}_${'0'.repeat(64)}`;
    await expect(authenticate(keys, otherSecret, clock.nowMs())).rejects.toThrow(invalid);
    await expect(authenticate(keys, newKey(null).text, clock.nowMs())).rejects.toThrow(invalid);
    await expect(authenticate(keys, '', clock.nowMs())).rejects.toThrow(invalid);
  });
});

describe('a cached key store', () => {
  it('hears of a revocation elsewhere within its time to live, and at once of its own', async () => {
    const elsewhere = new PostgresKeyStore(database.connect());
    const keys = cachedKeyStore(new PostgresKeyStore(database.postgres), clock);
    const [one, other] = [newKey('acme'), newKey('acme')];
    await Promise.all([keys.create(one), keys.create(other)]);
    await Promise.all([keys.find(one.keyId), keys.find(other.keyId)]);
    await elsewhere.revoke(one.keyId);
    expect((await keys.find(one.keyId))?.revokeTime).toBeNull();
    await clock.advance(KEY_CACHE_TTL_MS);
    expect((await keys.find(one.keyId))?.revokeTime).not.toBeNull();
    await keys.revoke(other.keyId);
    expect((await keys.find(other.keyId))?.revokeTime).not.toBeNull();
  });

  it('does not remember that the database was away', async () => {
    const pool = database.connect();
    const away = new PostgresKeyStore(pool);
    const here = new PostgresKeyStore(database.postgres);
    let store: KeyStore = away;
    const keys = cachedKeyStore({ ...bound(here), find: (keyId) => store.find(keyId) }, clock);
    const key = newKey('acme');
    await keys.create(key);
    await pool.close();
    await expect(keys.find(key.keyId)).rejects.toThrow(
      expect.objectContaining({ reason: 'DATABASE_UNAVAILABLE' }),
    );
    store = here;
    expect(await keys.find(key.keyId)).not.toBeNull();
  });
});

describe('a secret of the server', () => {
  it('is the same for every process, whoever is first', async () => {
    const other = database.connect();
    const secrets = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        serverSecret(i % 2 ? other : database.postgres, 'tests', randomBytes),
      ),
    );
    expect(secrets[0]).toHaveLength(32);
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(1);
    expect(await serverSecret(other, 'others', randomBytes)).not.toEqual(secrets[0]);
  });
});

function bound(store: KeyStore): KeyStore {
  return {
    create: (key) => store.create(key),
    find: (keyId) => store.find(keyId),
    list: (tenantId, limit) => store.list(tenantId, limit),
    revoke: (keyId) => store.revoke(keyId),
  };
}
