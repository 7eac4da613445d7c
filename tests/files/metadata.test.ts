import { describe, expect, it } from 'vitest';
import { METADATA_DEPTH_MAX, metadataViolations } from '../../src/files/metadata.ts';

/** Objects `depth` deep. */
function nested(depth: number): Record<string, unknown> {
  return depth === 1 ? {} : { a: nested(depth - 1) };
}

describe('free metadata', () => {
  it('may be any JSON object within its limits', () => {
    expect(metadataViolations({ a: [1, null, true, { b: 'ü' }], '': 1e300 })).toEqual([]);
    expect(metadataViolations({ a: 'x'.repeat(64 * 1024 - 8) })).toEqual([]);
    expect(metadataViolations(nested(METADATA_DEPTH_MAX))).toEqual([]);
  });

  it.each([
    ['too long', { a: 'x'.repeat(64 * 1024 - 7) }],
    ['too long in bytes', { a: 'ä'.repeat(32 * 1024) }],
    ['too deep', nested(METADATA_DEPTH_MAX + 1)],
    ['with NUL in a value', { a: ['x\0'] }],
    ['with NUL in a key', { 'a\0': 1 }],
    ['with half a surrogate pair', { a: '\ud800' }],
    ['with a number that JSON cannot hold', { a: Number.NaN }],
    ['with a value that JSON cannot hold', { a: undefined }],
  ])('is refused when it is %s', (_, metadata) => {
    expect(metadataViolations(metadata)).toEqual([
      { field: 'file.metadata', description: expect.any(String) },
    ]);
  });
});
