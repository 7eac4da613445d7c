import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeBlob } from '../../src/native/write-blob.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { expectedContent, failureOf, MiB, sampleBytes } from './contents.ts';

const root = temporaryFolder();

describe('writing a whole blob', () => {
  for (const size of [0, 1, MiB, MiB + 1]) {
    it(`stores ${size} bytes and nothing else`, async () => {
      const folder = path.join(root, `size-${size}`);
      const content = sampleBytes(size);
      expect(await writeBlob(path.join(folder, 'b'), path.join(folder, 'b.manifest'), content)).toEqual(
        expectedContent(content),
      );
      expect(readdirSync(folder).sort()).toEqual(['b', 'b.manifest']);
      expect(readFileSync(path.join(folder, 'b')).equals(content)).toBe(true);
    });
  }

  it('may be done by many at once, also of the same content', async () => {
    const folder = path.join(root, 'many');
    const content = sampleBytes(1000);
    await Promise.all(
      Array.from({ length: 32 }, () => writeBlob(path.join(folder, 'b'), path.join(folder, 'm'), content)),
    );
    expect(readdirSync(folder).sort()).toEqual(['b', 'm']);
  });

  it('leaves no temporary file behind when it fails', async () => {
    const folder = path.join(root, 'taken');
    mkdirSync(path.join(folder, 'b'), { recursive: true });
    const failure = await failureOf(
      writeBlob(path.join(folder, 'b'), path.join(folder, 'm'), sampleBytes(10)),
    );
    expect(failure['code']).toBe('EISDIR');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
