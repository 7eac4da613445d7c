import type { Clock } from '../clock.ts';
import type { KeyRecord, KeyStore } from './key-store.ts';

/** How long another process may take a key for good after it was revoked. */
export const KEY_CACHE_TTL_MS = 10_000;
const KEYS_MAX = 10_000;

interface Cached {
  readonly found: Promise<KeyRecord | null>;
  readonly untilMs: number;
}

/**
 * Remembers what `find` found, also that it found nothing, for `KEY_CACHE_TTL_MS`, so that a call costs no question to
 * the database. Calls that ask for one key at the same time share one question; a failed one is not remembered.
 */
export function cachedKeyStore(store: KeyStore, clock: Clock): KeyStore {
  const cache = new Map<string, Cached>();
  return {
    async create(key) {
      const created = await store.create(key);
      cache.delete(key.keyId);
      return created;
    },
    find(keyId) {
      const nowMs = clock.nowMs();
      const cached = cache.get(keyId);
      if (cached !== undefined && nowMs < cached.untilMs) return cached.found;
      const entry: Cached = { found: store.find(keyId), untilMs: nowMs + KEY_CACHE_TTL_MS };
      cache.delete(keyId);
      // The oldest goes: a Map keeps the order in which its keys came.
      for (const oldest of cache.size >= KEYS_MAX ? cache.keys() : []) {
        cache.delete(oldest);
        break;
      }
      cache.set(keyId, entry);
      entry.found.catch(() => {
        if (cache.get(keyId) === entry) cache.delete(keyId);
      });
      return entry.found;
    },
    list: (tenantId, limit) => store.list(tenantId, limit),
    async revoke(keyId) {
      try {
        return await store.revoke(keyId);
      } finally {
        cache.delete(keyId);
      }
    },
  };
}
