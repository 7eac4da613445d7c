import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { crc32c, crc32cCombine } from '../../src/native/crc32c.ts';
import { forceSha256, hashContent, sha256Implementation } from '../../src/native/sha256.ts';
import { sampleBytes, sha256 } from './contents.ts';

const chosen = sha256Implementation();
const available = ['portable', 'shani', 'avx512', 'armv8'].filter((name) => {
  try {
    forceSha256(name);
    return true;
  } catch {
    return false;
  }
});
forceSha256(chosen);
afterAll(() => forceSha256(chosen));

for (const name of available) {
  describe(`SHA-256 ${name}`, () => {
    it('equals node:crypto at every length around its blocks', async () => {
      forceSha256(name);
      expect(sha256Implementation()).toBe(name);
      const lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129, 1000, 4096, 65_537];
      const contents = lengths.map((length) => sampleBytes(length));
      const digests = await Promise.all(contents.map((content) => hashContent(content)));
      expect(digests).toEqual(
        contents.map((content) => ({ sha256: sha256(content), crc32c: crc32c(content) })),
      );
    });
  });
}

describe('SHA-256', () => {
  it('cannot be forced to what is not there', () => {
    expect(() => forceSha256('abacus')).toThrow(RangeError);
    expect(sha256Implementation()).toBe(chosen);
  });
});

describe('CRC32C', () => {
  it('gives the check value of its definition', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(0))).toBe(0);
  });

  it('of two parts is that of the whole, taken up or combined', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.uint8Array({ maxLength: 5000 }), (first, second) => {
        const whole = crc32c(Buffer.concat([first, second]));
        expect(crc32c(second, crc32c(first))).toBe(whole);
        expect(crc32cCombine(crc32c(first), crc32c(second), second.length)).toBe(whole);
      }),
    );
  });
});
