import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeApiKey, parseApiKey, sameSecret } from '../../src/access/api-key.ts';

describe('an API key', () => {
  it('is read back from its text, without the secret itself', () => {
    const { keyId, secretSha256, text } = makeApiKey(randomBytes);
    expect(text).toMatch(/^lsk_[0-9a-f]{16}_[0-9a-f]{64}$/);
    expect(parseApiKey(text)).toEqual({ keyId, secretSha256 });
    expect(text).not.toContain(secretSha256.toString('hex'));
  });

  it('has its own secret', () => {
    const [a, b] = [makeApiKey(randomBytes), makeApiKey(randomBytes)];
    expect(sameSecret(a, b)).toBe(false);
    expect(sameSecret(a, { ...a })).toBe(true);
  });

  it('is not found in any other text', () => {
    const { text } = makeApiKey(randomBytes);
    for (const other of [
      '',
      'lsk_',
      ` ${text}`,
      `${text}\n`,
      text.toUpperCase(),
      text.slice(0, -1),
      `${text}0`,
    ]) {
      expect(parseApiKey(other)).toBeNull();
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (anything) => parseApiKey(anything) === null));
  });
});
