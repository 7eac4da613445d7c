import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration } from '../../src/cli/amounts.ts';

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [99.94 * 1024, '99.9 KiB'],
    [99.96 * 1024, '100 KiB'],
    [999.4 * 1024, '999 KiB'],
    [999.6 * 1024, '1.0 MiB'],
    [5 * 2 ** 30, '5.0 GiB'],
    [2 ** 53, '8.0 PiB'],
  ])('of %d bytes is shown as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('a time span', () => {
  it.each([
    [0, '0 s'],
    [1, '1 s'],
    [59_001, '1 min'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [3 * 3_600_000 + 20 * 60_000, '3 h 20 min'],
    [26 * 3_600_000, '1 d 2 h'],
  ])('of %d ms is shown as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('a count', () => {
  it('agrees with its noun', () => {
    expect([formatCount(1, 'file'), formatCount(0, 'file'), formatCount(2, 'copy', 'copies')]).toEqual([
      '1 file',
      '0 files',
      '2 copies',
    ]);
  });
});
