import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { binding } from '../../src/native/binding.ts';
import { openPartFile } from '../../src/native/part-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = temporaryFolder();

describe('the native border', () => {
  it('refuses a path with NUL, an empty one, and a session that is no plain name', async () => {
    const open = (folder: string, session: string) =>
      openPartFile({ folder, session, exclusive: true, totalBytes: null });
    await expect(open(`${root}\0x`, 's')).rejects.toThrow(TypeError);
    await expect(open('', 's')).rejects.toThrow(TypeError);
    await expect(open(root, '../s')).rejects.toThrow(TypeError);
    await expect(open(root, '')).rejects.toThrow(TypeError);
  });

  it('refuses offsets and CRCs that are not whole numbers in range', async () => {
    await using file = await openPartFile({
      folder: path.join(root, 'u'),
      session: 's',
      exclusive: true,
      totalBytes: null,
    });
    for (const offset of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
      expect(() => file.write(offset, [], null)).toThrow(RangeError);
      expect(() => file.finish(offset)).toThrow(RangeError);
    }
    for (const crc of [-1, 2 ** 32, 1.5]) expect(() => file.write(0, [], crc)).toThrow(RangeError);
  });

  it('throws, and does not crash, when it is given nonsense past the door', () => {
    const wild = binding as unknown as Record<string, (...values: unknown[]) => unknown>;
    const nonsense: unknown[] = [
      undefined,
      null,
      {},
      [],
      'x',
      1,
      Symbol('s'),
      () => 0,
      new Float64Array(3),
      -1,
      Number.NaN,
    ];
    for (const [name, call] of Object.entries(wild)) {
      if (name === 'forceSha256' || name === 'sha256Implementation') continue;
      for (const value of nonsense) {
        try {
          const result = call.call(wild, value, value, value, value);
          if (result instanceof Promise) result.catch(() => null);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }
    }
  });

  it('calls no method on a stranger', async () => {
    await using file = await binding
      .openPartFile(path.join(root, 'stranger'), 's', true, null)
      .then((native) => ({ native, [Symbol.asyncDispose]: () => native.close() }));
    const { write } = Object.getPrototypeOf(file.native) as { write: (...values: unknown[]) => unknown };
    expect(() => write.call({}, 0, [], null)).toThrow(TypeError);
    const Made = file.native.constructor as new (value: unknown) => unknown;
    expect(() => new Made({})).toThrow(TypeError);
  });
});
