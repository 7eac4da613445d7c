import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LongshoreError } from '../../src/errors.ts';
import { FILTER_DEPTH_MAX, FILTER_TERMS_MAX, parseFilter } from '../../src/files/parse-filter.ts';
import { anyFilter } from './filter-arbitrary.ts';
import { printFilter } from './print-filter.ts';

const match = (target: string, text: string, openStart = false, openEnd = false) => ({
  kind: 'match',
  target,
  pattern: { text, openStart, openEnd },
});

describe('a filter', () => {
  it.each([
    ['', null],
    ['  \n', null],
    ['display_name = "a b.pdf"', match('display_name', 'a b.pdf')],
    ['display_name="*.pdf"', match('display_name', '.pdf', true)],
    ['display_name = "rep*"', match('display_name', 'rep', false, true)],
    ['display_name:"report"', match('display_name', 'report', true, true)],
    ['display_name:"report*"', match('display_name', 'report', false, true)],
    ['display_name = "2\\*3"', match('display_name', '2*3')],
    ['display_name = "a\\"b\\\\c"', match('display_name', 'a"b\\c')],
    ['report', match('display_name', 'report', true, true)],
    ['"two words"', match('display_name', 'two words', true, true)],
    ['*.pdf', match('display_name', '.pdf', true)],
    ['media_type = image/*', match('media_type', 'image/', false, true)],
    ['media_type != text/plain', { kind: 'not', term: match('media_type', 'text/plain') }],
    ['region = ""', match('region', '')],
    ['labels.env:"prod"', match('labels.env', 'prod')],
    ['labels.env:prod', match('labels.env', 'prod')],
    ['labels.a.b-c = x', match('labels.a.b-c', 'x')],
    ['labels:env', { kind: 'present', target: 'labels.env' }],
    ['labels.env:*', { kind: 'present', target: 'labels.env' }],
    ['labels:*', { kind: 'present', target: 'labels' }],
    ['expire_time:*', { kind: 'present', target: 'expire_time' }],
    ['size > 10', { kind: 'size', ordering: '>', sizeBytes: 10 }],
    ['digest.size_bytes<=10', { kind: 'size', ordering: '<=', sizeBytes: 10 }],
    ['state = ACTIVE', { kind: 'state', state: 'active' }],
    ['state:deleted', { kind: 'state', state: 'deleted' }],
    [`sha256 = ${'AB'.repeat(32)}`, { kind: 'digest', sha256: 'ab'.repeat(32) }],
    [
      'create_time >= 2026-01-31T12:00:00.5+01:00',
      { kind: 'time', field: 'create_time', ordering: '>=', timeMs: Date.UTC(2026, 0, 31, 11, 0, 0, 500) },
    ],
    [
      'update_time < "2024-02-29"',
      { kind: 'time', field: 'update_time', ordering: '<', timeMs: Date.UTC(2024, 1, 29) },
    ],
  ])('reads %s', (text, expected) => {
    expect(parseFilter(text)).toEqual(expected);
  });

  it('binds NOT tightest, then OR, then AND, as AIP-160 does', () => {
    expect(parseFilter('a OR NOT b AND -c OR d')).toEqual(parseFilter('(a OR (NOT b)) AND ((NOT c) OR d)'));
    expect(parseFilter('a b OR c')).toEqual(parseFilter('a AND (b OR c)'));
  });

  it.each([
    ['size >', 7],
    ['size > many', 1],
    ['size > -1', 1],
    ['size > 99999999999999999', 1],
    ['nonsense = 1', 1],
    ['a AND nonsense = 1', 7],
    ['(a', 1],
    ['a)', 2],
    ['()', 2],
    ['a AND', 6],
    ['AND a', 1],
    ['a OR OR b', 6],
    ['NOT', 4],
    ['a = AND b', 5],
    ['display_name = "open', 16],
    ['"display_name" = a', 1],
    ['display_name = "a*b"', 1],
    ['display_name < "a*"', 1],
    ['display_name = "\\n"', 1],
    ['f(x)', 1],
    ['state = GONE', 1],
    ['state > ACTIVE', 1],
    ['sha256 = abc', 1],
    ['create_time > yesterday', 1],
    ['create_time > 2026-02-30', 1],
    ['create_time > 0000-01-01', 1],
    ['labels = x', 1],
    ['labels.UPPER = x', 1],
    ['a , b', 3],
    ['a\u0000', 2],
    ['a \ud800', 3],
  ])('is refused where it is wrong: %j at %i', (text, position) => {
    expect(() => parseFilter(text)).toThrow(
      expect.objectContaining({
        reason: 'FIELD_INVALID',
        metadata: { position: String(position) },
        violations: [{ field: 'filter', description: expect.stringContaining(`at character ${position},`) }],
      }),
    );
  });

  it('is bounded in length, depth and number of terms', () => {
    expect(() => parseFilter('a'.repeat(4096))).not.toThrow();
    expect(() => parseFilter('a'.repeat(4097))).toThrow('longer than 4096 bytes');
    expect(() => parseFilter('ä'.repeat(2049))).toThrow('longer than 4096 bytes');
    const nested = (depth: number) => '('.repeat(depth) + 'a' + ')'.repeat(depth);
    expect(() => parseFilter(nested(FILTER_DEPTH_MAX))).not.toThrow();
    expect(() => parseFilter(nested(FILTER_DEPTH_MAX + 1))).toThrow('levels of parentheses');
    expect(() => parseFilter('a '.repeat(FILTER_TERMS_MAX))).not.toThrow();
    expect(() => parseFilter('a '.repeat(FILTER_TERMS_MAX + 1))).toThrow('comparisons');
  });

  it('is the same again when it is printed and read', () => {
    fc.assert(
      fc.property(anyFilter, (filter) => {
        const text = printFilter(filter);
        fc.pre(Buffer.byteLength(text) <= 4096);
        expect(parseFilter(text)).toEqual(filter);
      }),
      { numRuns: 500 },
    );
  });

  it('gives a filter or FIELD_INVALID for any text at all', () => {
    const signs = ['-', '(', ')', '"', "'", '\\', '*', ':', '=', '!=', '<=', ' ', '\n', ','];
    const words = ['AND', 'OR', 'NOT', 'labels.', 'labels', 'env', 'display_name', 'size', 'state', 'ACTIVE'];
    const piece = fc.constantFrom(...signs, ...words, 'create_time', '2026-01-01', '7');
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc
        .array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 30 })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (anything) => {
        try {
          parseFilter(anything);
        } catch (error) {
          expect(error).toBeInstanceOf(LongshoreError);
          expect(error).toHaveProperty('reason', 'FIELD_INVALID');
        }
      }),
      { numRuns: 3000 },
    );
  });
});
