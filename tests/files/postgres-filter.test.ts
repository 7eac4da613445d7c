import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileRecord } from '../../src/files/file.ts';
import type { Filter } from '../../src/files/filter.ts';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { parseFilter } from '../../src/files/parse-filter.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { fileMatches } from './file-matches.ts';
import { anyFilter } from './filter-arbitrary.ts';
import { insertFiles, recordOf } from './insert-files.ts';
import { printFilter } from './print-filter.ts';

const database = await createTestDatabase();
afterAll(() => database.close());
const files = new PostgresFileStore(database.postgres);
const TENANT = 'filtered';

const times = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.001Z', '2026-06-30T23:59:59.999Z'].map(
  (t) => new Date(t),
);
const texts = [
  '',
  'a',
  'report',
  'Report.pdf',
  '100%',
  'under_score',
  'back\\slash',
  '2*3',
  'ärger',
  '文件',
  "o'clock",
];

/** Files that differ in everything a filter can ask for. */
const samples: FileRecord[] = Array.from({ length: 60 }, (_, i) => {
  const pick = <T>(values: readonly T[], salt: number): T =>
    values[(i * 7 + salt * 13 + (i >> 2)) % values.length] as T;
  return recordOf(TENANT, `f${String(i).padStart(2, '0')}`, {
    displayName: `${pick(texts, 1)}/${pick(texts, 2)}`,
    mediaType: pick(['text/plain', 'image/png', 'image/svg+xml', 'application/pdf'], 3),
    sizeBytes: pick([0, 1, 10, 1024, 2 ** 53 - 1], 4),
    labels: pick(
      [{}, { env: 'prod' }, { env: 'prod*', 'a.b': '' }, { env: '', x: '100%' }, { x: 'back\\slash' }],
      5,
    ),
    state: pick(['active', 'active', 'quarantined', 'deleted'] as const, 6),
    region: pick(['', 'eu', 'us'], 7),
    createTime: pick(times, 8),
    updateTime: pick(times, 9),
    accessTime: pick([null, ...times], 10),
    expireTime: pick([null, ...times], 11),
  });
});

async function listed(filter: Filter | null): Promise<string[]> {
  const order = [{ field: 'display_name' as const, descending: false }];
  const query = { tenantId: TENANT, filter, order, pageSize: 1000, cursor: null, showDeleted: true };
  const page = await files.list(query);
  return page.files.map((file) => file.fileId).toSorted();
}

function expected(filter: Filter | null): string[] {
  return samples
    .filter((file) => filter === null || fileMatches(filter, file))
    .map((file) => file.fileId)
    .toSorted();
}

beforeAll(async () => {
  await insertFiles(database.postgres, samples);
  await insertFiles(database.postgres, [recordOf('another-tenant', 'f00')]);
});

describe('a filter in SQL', () => {
  it.each([
    '',
    'display_name:"report"',
    'display_name:"Report*"',
    'display_name = "*.pdf"',
    'display_name:"%"',
    'display_name:"_"',
    'display_name:"\\\\"',
    'display_name:"\\*"',
    `display_name:"'"`,
    'display_name = "*"',
    'display_name > "r"',
    'NOT display_name >= "ä"',
    'media_type = image/*',
    'media_type != image/*',
    'media_type < image/z',
    'labels:env',
    'NOT labels:env',
    'labels:*',
    'labels.env:"prod"',
    'labels.env != "prod"',
    'labels.env = "prod*"',
    'labels.env = "prod\\*"',
    'labels.env = ""',
    'labels.env > "a"',
    'NOT labels.env > "a"',
    'labels.x = "100%"',
    'labels.a.b:*',
    'size = 9007199254740991',
    'size >= 10 AND size < 1024',
    'state = ACTIVE',
    'state != DELETED',
    `sha256 = ${recordOf(TENANT, 'f07').sha256}`,
    'region = eu OR region = ""',
    'create_time = 2026-01-01T00:00:00.001Z',
    'create_time > 2026-01-01T00:00:00Z',
    'access_time:*',
    'NOT access_time:*',
    'access_time < 2026-06-30',
    'NOT access_time < 2026-06-30',
    'expire_time >= 0001-01-01 expire_time <= 9999-12-31T23:59:59.999Z',
    'report -labels.env:prod (size > 0 OR state = QUARANTINED)',
  ])('finds what it says: %s', async (text) => {
    const filter = parseFilter(text);
    expect(await listed(filter)).toEqual(expected(filter));
  });

  it('finds what any filter says, and its opposite the rest', async () => {
    await fc.assert(
      fc.asyncProperty(anyFilter, async (filter) => {
        expect(await listed(filter)).toEqual(expected(filter));
        expect(await listed({ kind: 'not', term: filter })).toHaveLength(
          samples.length - expected(filter).length,
        );
      }),
      { numRuns: 150 },
    );
  });

  it('cannot leave its place, whatever text is in it', async () => {
    const hostile = [`' or true --`, `'); drop table files; --`, '$1', '\\', '%', '?', `"`];
    for (const text of hostile) {
      const filter: Filter = {
        kind: 'or',
        terms: [
          { kind: 'match', target: 'display_name', pattern: { text, openStart: true, openEnd: true } },
          { kind: 'match', target: `labels.${text}`, pattern: { text, openStart: false, openEnd: false } },
          { kind: 'text', target: `labels.${text}`, ordering: '<', text },
          { kind: 'present', target: `labels.${text}` },
        ],
      };
      expect(await listed(filter)).toEqual(expected(filter));
    }
  });

  it('that is as long as may be is answered', async () => {
    const many = parseFilter(Array.from({ length: 100 }, (_, i) => `size=${i}`).join(' OR '));
    expect(await listed(many)).toEqual(expected(many));
    const deep = parseFilter(`${'NOT ('.repeat(20)}size=1${')'.repeat(20)}`);
    expect(await listed(deep)).toEqual(expected(deep));
    expect(printFilter(deep as Filter)).toContain('NOT');
  });
});
