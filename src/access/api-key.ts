import { createHash, timingSafeEqual } from 'node:crypto';

const KEY_ID_BYTES = 8;
const SECRET_BYTES = 32;
const API_KEY = /^lsk_([0-9a-f]{16})_([0-9a-f]{64})$/;

/** A key as it is kept: the secret itself is nowhere. */
export interface ApiKey {
  readonly keyId: string;
  /** SHA-256 of the secret, 32 bytes. The secret has 256 random bits, so that a fast hash is enough. */
  readonly secretSha256: Buffer;
}

/**
 * A new key: `text` (`lsk_<id>_<secret>`) is for its owner and cannot be had again. `randomBytes` gives as many
 * unpredictable bytes as asked (`node:crypto`).
 */
export function makeApiKey(randomBytes: (size: number) => Buffer): ApiKey & { readonly text: string } {
  const keyId = randomBytes(KEY_ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES);
  return { keyId, secretSha256: sha256(secret), text: `lsk_${keyId}_${secret.toString('hex')}` };
}

/** Null when `text` is not written like a key. */
export function parseApiKey(text: string): ApiKey | null {
  const [, keyId, secret] = API_KEY.exec(text) ?? [];
  if (keyId === undefined || secret === undefined) return null;
  return { keyId, secretSha256: sha256(Buffer.from(secret, 'hex')) };
}

/** Whether two keys have the same secret, in a time that does not depend on where they differ. */
export function sameSecret(a: ApiKey, b: ApiKey): boolean {
  return timingSafeEqual(a.secretSha256, b.secretSha256);
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
