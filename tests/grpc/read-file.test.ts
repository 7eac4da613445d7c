import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveRange } from '../../src/grpc/read-file.ts';

test('a range is what Array.slice would give', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.integer({ min: -60, max: 50 }), fc.nat(60), (size, offset, limit) => {
      fc.pre(offset <= size);
      const bytes = Array.from({ length: size }, (_, index) => index);
      const from = bytes.slice(offset);
      const { offset: start, end } = resolveRange(offset, limit, size);
      expect(bytes.slice(start, end)).toEqual(limit === 0 ? from : from.slice(0, limit));
    }),
  );
});

test('an offset at the end is an empty range, one beyond it is refused with the size', () => {
  expect(resolveRange(10, 0, 10)).toEqual({ offset: 10, end: 10 });
  expect(() => resolveRange(11, 0, 10)).toThrow(
    expect.objectContaining({ reason: 'RANGE_NOT_SATISFIABLE', metadata: { size: '10' } }),
  );
});

test('a suffix longer than the file is the whole file', () => {
  expect(resolveRange(-100, 0, 10)).toEqual({ offset: 0, end: 10 });
});

test('a negative limit and numbers beyond 2^53 are refused', () => {
  expect(() => resolveRange(0, -1, 10)).toThrow(expect.objectContaining({ reason: 'FIELD_INVALID' }));
  expect(() => resolveRange(2 ** 60, 0, 10)).toThrow(expect.objectContaining({ reason: 'FIELD_INVALID' }));
});
