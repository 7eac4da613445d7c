import { LongshoreError } from '../errors.ts';
import { parseApiKey, sameSecret } from './api-key.ts';
import type { Caller } from './caller.ts';
import type { KeyStore } from './key-store.ts';

/** Who shows `text` as an API key. Throws CREDENTIALS_INVALID, with one message whatever is wrong with it. */
export async function authenticate(keys: KeyStore, text: string, nowMs: number): Promise<Caller> {
  const shown = parseApiKey(text);
  if (shown === null) throw credentialsInvalid();
  const key = await keys.find(shown.keyId);
  if (key === null || !sameSecret(key, shown)) throw credentialsInvalid();
  const expired = key.expireTime !== null && key.expireTime.getTime() <= nowMs;
  if (expired || key.revokeTime !== null) throw credentialsInvalid();
  return { tenantId: key.tenantId, role: key.role, keyId: key.keyId };
}

function credentialsInvalid(): LongshoreError {
  return new LongshoreError('CREDENTIALS_INVALID', 'The API key is not valid.');
}
