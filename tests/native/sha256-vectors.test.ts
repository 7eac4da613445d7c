import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { forceSha256, hashContent, sha256Implementation } from '../../src/native/sha256.ts';

interface Vector {
  readonly name: string;
  readonly hex?: string;
  readonly repeatHex?: string;
  readonly times?: number;
  readonly sha256: string;
}

// tests/native/sha256_test.cc reads the same file.
const { vectors } = JSON.parse(readFileSync(new URL('../vectors/sha256.json', import.meta.url), 'utf8')) as {
  vectors: Vector[];
};

function message({ hex, repeatHex = '', times = 0 }: Vector): Buffer {
  if (hex !== undefined) return Buffer.from(hex, 'hex');
  return Buffer.alloc(times * (repeatHex.length / 2), repeatHex, 'hex');
}

const chosen = sha256Implementation();
afterAll(() => forceSha256(chosen));

describe('known answers of SHA-256', () => {
  it.each(vectors)('$name ($source)', async (vector) => {
    const content = message(vector);
    expect(createHash('sha256').update(content).digest('hex')).toBe(vector.sha256);
    for (const name of [chosen, 'portable']) {
      forceSha256(name);
      expect((await hashContent(content)).sha256).toBe(vector.sha256);
    }
  });
});
