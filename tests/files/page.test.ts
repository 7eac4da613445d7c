import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePageTokens, ORDER_DEFAULT, pageSize, parseOrder } from '../../src/files/page.ts';

const invalid = (field: string) =>
  expect.objectContaining({
    reason: 'FIELD_INVALID',
    violations: [expect.objectContaining({ field })],
  });

const cursor = fc.record({
  values: fc.array(fc.oneof(fc.maxSafeInteger(), fc.string({ unit: 'grapheme', maxLength: 255 })), {
    maxLength: 4,
  }),
  id: fc.stringMatching(/^[a-z0-9_-]{1,40}$/),
});
const list = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 });

describe('a page token', () => {
  const tokens = makePageTokens(randomBytes(32));

  it('gives back the cursor it was made of, to the same list alone', () => {
    fc.assert(
      fc.property(cursor, list, list, (at, own, other) => {
        const token = tokens.seal(at, own);
        expect(tokens.open(token, own)).toEqual(at);
        fc.pre(JSON.stringify(own) !== JSON.stringify(other));
        expect(() => tokens.open(token, other)).toThrow(invalid('page_token'));
        expect(() => tokens.open(token, other)).toThrow('other arguments');
      }),
    );
  });

  it('is refused after any change to any of its characters', () => {
    fc.assert(
      fc.property(
        cursor,
        list,
        fc.nat(),
        fc.stringMatching(/^[A-Za-z0-9_+/=. -]$/),
        (at, own, place, character) => {
          const token = tokens.seal(at, own);
          const index = place % token.length;
          fc.pre(token[index] !== character);
          const altered = token.slice(0, index) + character + token.slice(index + 1);
          expect(() => tokens.open(altered, own)).toThrow(invalid('page_token'));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is refused when shortened, lengthened or made up', () => {
    const token = tokens.seal({ values: [1], id: 'a' }, ['list']);
    for (let length = 1; length < token.length; length += 1) {
      expect(() => tokens.open(token.slice(0, length), ['list'])).toThrow(invalid('page_token'));
    }
    expect(() => tokens.open(`${token}A`, ['list'])).toThrow(invalid('page_token'));
    expect(() => tokens.open(`${token}=`, ['list'])).toThrow(invalid('page_token'));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 6000 }), (text) => {
        expect(() => tokens.open(text, ['list'])).toThrow(invalid('page_token'));
      }),
    );
  });

  it('made under another secret is refused', () => {
    const token = makePageTokens(randomBytes(32)).seal({ values: [1], id: 'a' }, ['list']);
    expect(() => tokens.open(token, ['list'])).toThrow(invalid('page_token'));
  });

  it('holds the longest display name there can be', () => {
    const at = {
      values: ['"'.repeat(1024), 2 ** 53 - 1, 253402300799999, 253402300799999],
      id: 'a'.repeat(40),
    };
    expect(tokens.open(tokens.seal(at, []), [])).toEqual(at);
  });

  it('that is empty is the first page', () => {
    expect(tokens.open('', ['list'])).toBeNull();
  });
});

describe('a page size', () => {
  it('is 50 when it is not given and 1000 at most', () => {
    expect([0, 1, 999, 1000, 1001, 2 ** 31 - 1].map((size) => pageSize(size))).toEqual([
      50, 1, 999, 1000, 1000, 1000,
    ]);
  });

  it('is refused when negative', () => {
    expect(() => pageSize(-1)).toThrow(invalid('page_size'));
  });
});

describe('an order', () => {
  it.each([
    ['', ORDER_DEFAULT],
    ['create_time', [{ field: 'create_time', descending: false }]],
    ['  size_bytes   desc ', [{ field: 'size_bytes', descending: true }]],
    [
      'create_time desc, display_name',
      [
        { field: 'create_time', descending: true },
        { field: 'display_name', descending: false },
      ],
    ],
    ['update_time asc', [{ field: 'update_time', descending: false }]],
  ])('reads %j', (text, expected) => {
    expect(parseOrder(text)).toEqual(expected);
  });

  it.each([
    'name',
    'create_time down',
    'create_time desc desc',
    'create_time,',
    ',',
    'create_time; drop table files',
    'create_time, create_time desc',
    'create_time,update_time,size_bytes,display_name,create_time',
  ])('%j is refused', (text) => {
    expect(() => parseOrder(text)).toThrow(invalid('order_by'));
  });
});
