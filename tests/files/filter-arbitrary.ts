import fc from 'fast-check';
import type { Filter, TextPattern, TextTarget, TimeField } from '../../src/files/filter.ts';

/** Text that a filter may hold: no control characters, no lone surrogates. */
const filterText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replace(/[\p{Cc}\p{Cs}]/gu, '')),
  fc.constantFrom('', 'a', 'report', 'prod', 'eu', 'image/', '.pdf', '%', '_', '*', '\\'),
);

const labelKey = fc
  .oneof(fc.stringMatching(/^[a-z0-9_.-]{1,10}$/), fc.constantFrom('env', 'x', 'a.b'))
  .map((key) => `labels.${key}` as const);
const timeField = fc.constantFrom<TimeField>('create_time', 'update_time', 'access_time', 'expire_time');
const ordering = fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const);
const orderingOrEqual = fc.oneof(ordering, fc.constant('=' as const));
const target = fc.oneof(fc.constantFrom<TextTarget>('display_name', 'media_type', 'region'), labelKey);
const pattern: fc.Arbitrary<TextPattern> = fc
  .record({ text: filterText, openStart: fc.boolean(), openEnd: fc.boolean() })
  .filter(({ text, openStart, openEnd }) => text !== '' || (!openStart && !openEnd));

const restriction: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({ kind: fc.constant('match' as const), target, pattern }),
  fc.record({ kind: fc.constant('text' as const), target, ordering, text: filterText }),
  fc.record({
    kind: fc.constant('size' as const),
    ordering: orderingOrEqual,
    sizeBytes: fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 10, 1024)),
  }),
  fc.record({
    kind: fc.constant('time' as const),
    field: timeField,
    ordering: orderingOrEqual,
    timeMs: fc.oneof(
      fc.integer({
        min: Date.parse('0001-01-01T00:00:00Z'),
        max: Date.parse('9999-12-31T23:59:59.999Z'),
      }),
      fc.integer({ min: 0, max: 1 }).map((ms) => Date.parse('2026-01-01T00:00:00Z') + ms),
    ),
  }),
  fc.record({
    kind: fc.constant('state' as const),
    state: fc.constantFrom('active' as const, 'deleted' as const, 'quarantined' as const),
  }),
  fc.record({ kind: fc.constant('digest' as const), sha256: fc.stringMatching(/^[0-9a-f]{64}$/) }),
  fc.record({
    kind: fc.constant('present' as const),
    target: fc.oneof(labelKey, timeField, fc.constant('labels' as const)),
  }),
);

/** Any filter that can be written, small enough for the parser's limits. */
export const anyFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    restriction,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      terms: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), term: tie('filter') }),
  ),
})).filter;
