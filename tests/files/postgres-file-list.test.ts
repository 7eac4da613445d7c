import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileRecord } from '../../src/files/file.ts';
import {
  makePageTokens,
  ORDER_FIELDS,
  parseOrder,
  type Order,
  type PageCursor,
} from '../../src/files/page.ts';
import { parseFilter } from '../../src/files/parse-filter.ts';
import { PostgresFileStore } from '../../src/files/postgres-file-store.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { insertFiles, recordOf } from './insert-files.ts';
import { contentOf, PlacedBytes, specOf } from './sample-file.ts';

const database = await createTestDatabase();
afterAll(() => database.close());
const files = new PostgresFileStore(database.postgres);
const other = new PostgresFileStore(database.connect());
const bytes = new PlacedBytes();

interface ListOptions {
  order?: Order;
  filter?: string;
  pageSize?: number;
  showDeleted?: boolean;
  afterPage?: (page: FileRecord[]) => Promise<void>;
}

/** All pages, each cursor taken through a token as a client would. */
async function listAll(tenantId: string, options: ListOptions = {}): Promise<FileRecord[]> {
  const { order = parseOrder(''), filter = '', pageSize = 7, showDeleted = false, afterPage } = options;
  const tokens = makePageTokens(Buffer.alloc(32));
  const all: FileRecord[] = [];
  let cursor: PageCursor | null = null;
  for (;;) {
    const query = { tenantId, filter: parseFilter(filter), order, pageSize, cursor, showDeleted };
    const page: { files: FileRecord[]; next: PageCursor | null } = await files.list(query);
    expect(page.files.length).toBeLessThanOrEqual(pageSize);
    all.push(...page.files);
    if (page.next === null) return all;
    expect(page.files).toHaveLength(pageSize);
    await afterPage?.(page.files);
    cursor = tokens.open(tokens.seal(page.next, [tenantId]), [tenantId]);
  }
}

/** The order as plain code has it. */
function compareBy(order: Order): (a: FileRecord, b: FileRecord) => number {
  const key = (file: FileRecord) => ({
    create_time: file.createTime.getTime(),
    update_time: file.updateTime.getTime(),
    size_bytes: file.sizeBytes,
    display_name: Buffer.from(file.displayName).toString('hex'),
  });
  return (a, b) => {
    for (const { field, descending } of order) {
      const [x, y] = [key(a)[field], key(b)[field]];
      if (x !== y) return x < y === descending ? 1 : -1;
    }
    return a.fileId < b.fileId === (order.at(-1)?.descending ?? false) ? 1 : -1;
  };
}

describe('a list', () => {
  const samples = Array.from({ length: 40 }, (_, i) =>
    recordOf('ordered', `f${String((i * 17) % 40).padStart(2, '0')}`, {
      // Few values, so that most rows tie with others.
      displayName: ['a', 'B', 'ä', 'a/b', 'z'][i % 5] as string,
      sizeBytes: [0, 1, 2 ** 53 - 1][i % 3] as number,
      createTime: new Date(Date.UTC(2026, 0, 1, 0, 0, 0, i % 4)),
      updateTime: new Date(Date.UTC(1, 0, 1, 0, 0, i % 2)),
    }),
  );
  beforeAll(() => insertFiles(database.postgres, samples));

  it('has every file once, in any order and in pages of any size', async () => {
    const term = fc.record({ field: fc.constantFrom(...ORDER_FIELDS), descending: fc.boolean() });
    const anyOrder = fc.uniqueArray(term, { selector: (t) => t.field, minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(anyOrder, fc.integer({ min: 1, max: 45 }), async (order, pageSize) => {
        const listed = await listAll('ordered', { order, pageSize });
        expect(listed.map((file) => file.fileId)).toEqual(
          samples.toSorted(compareBy(order)).map((file) => file.fileId),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('has no next page after a last one that is full', async () => {
    const page = await files.list({
      tenantId: 'ordered',
      filter: null,
      order: parseOrder(''),
      pageSize: 40,
      cursor: null,
      showDeleted: false,
    });
    expect(page.files).toHaveLength(40);
    expect(page.next).toBeNull();
  });

  it('has deleted files only when they are wanted', async () => {
    await insertFiles(database.postgres, [
      recordOf('shown', 'a'),
      recordOf('shown', 'b', { state: 'deleted' }),
      recordOf('shown', 'c', { state: 'quarantined' }),
    ]);
    const ids = async (options: ListOptions) =>
      (await listAll('shown', options)).map((file) => file.fileId).toSorted();
    expect(await ids({})).toEqual(['a', 'c']);
    expect(await ids({ showDeleted: true })).toEqual(['a', 'b', 'c']);
    expect(await ids({ filter: 'state = DELETED' })).toEqual([]);
    expect(await ids({ filter: 'state = DELETED', showDeleted: true })).toEqual(['b']);
  });

  it('refuses a cursor of another order', async () => {
    const query = { tenantId: 'ordered', filter: null, pageSize: 1, showDeleted: false };
    await expect(
      files.list({
        ...query,
        order: parseOrder('size_bytes, display_name'),
        cursor: { values: [1], id: 'a' },
      }),
    ).rejects.toThrow(expect.objectContaining({ reason: 'FIELD_INVALID' }));
  });
});

describe('a list of 100,000 files', () => {
  const TENANT = 'many';
  const COUNT = 100_000;

  beforeAll(async () => {
    await insertFiles(database.postgres, [recordOf('seed', 'seed')]);
    await database.postgres.query(
      `insert into files (tenant_id, file_id, display_name, media_type, sha256, size_bytes, etag, labels, create_time, update_time)
       select $1, 'f' || lpad(i::text, 6, '0'), 'folder/' || (i * 7919 % 100000), 'text/plain', sha256, i % 1000, 'e',
         jsonb_build_object('env', case when i % 5000 = 0 then 'rare' else 'common' end),
         timestamptz '2026-01-01' + (i / 3) * interval '1 millisecond',
         timestamptz '2026-01-01' + (i * 31 % 100000) * interval '1 millisecond'
       from files as seed, generate_series(1, $2::int) as i
       where seed.tenant_id = 'seed'`,
      [TENANT, COUNT],
    );
    await database.postgres.query('vacuum analyze files');
  }, 60_000);

  it('is complete, while others add, change and delete files between its pages', async () => {
    const content = contentOf('added meanwhile');
    let round = 0;
    const afterPage = async (page: FileRecord[]): Promise<void> => {
      round += 1;
      const seen = page[0]?.fileId as string;
      await Promise.all([
        other.commit(TENANT, specOf(`new-${round}`), content, NEW, bytes.place(content.sha256)),
        other.update(TENANT, page[1]?.fileId as string, { displayName: `renamed ${round}` }, null),
        seen.startsWith('f')
          ? other.delete(TENANT, seen, { etag: null, allowMissing: true, purgeTime: new Date() })
          : undefined,
      ]);
    };
    const listed = await listAll(TENANT, { pageSize: 1000, afterPage });
    const ids = listed.map((file) => file.fileId);
    const old = ids.filter((id) => id.startsWith('f'));
    expect(old).toHaveLength(COUNT);
    expect(new Set(ids).size).toBe(ids.length);
    expect(round).toBeGreaterThanOrEqual(COUNT / 1000 - 1);
  });

  it.each(ORDER_FIELDS.flatMap((field) => [field, `${field} desc`]))(
    'ordered by %s is read from an index, a page at a time',
    async (orderBy) => {
      const order = parseOrder(orderBy);
      for (const cursor of [null, await cursorInTheMiddle(order)]) {
        const { plan, rowsRead } = await explained(() =>
          files.list({ tenantId: TENANT, filter: null, order, pageSize: 100, cursor, showDeleted: false }),
        );
        expect(plan).not.toMatch(/Sort|Seq Scan|Bitmap/);
        expect(plan).toMatch(/Index Scan/);
        // Deleted files are passed over; there are some from the test above.
        expect(rowsRead).toBeLessThan(1000);
      }
    },
  );

  it('ordered by two fields sorts only the rows that tie', async () => {
    for (const orderBy of ['size_bytes desc, display_name', 'create_time, size_bytes desc']) {
      const order = parseOrder(orderBy);
      for (const cursor of [null, await cursorInTheMiddle(order)]) {
        const { plan, rowsRead } = await explained(() =>
          files.list({ tenantId: TENANT, filter: null, order, pageSize: 100, cursor, showDeleted: false }),
        );
        expect(plan).toMatch(/Incremental Sort/);
        expect(plan).not.toMatch(/Seq Scan/);
        expect(rowsRead).toBeLessThan(3000);
      }
    }
  });

  it('finds the few with a rare label, a digest or a prefix of the name without reading all', async () => {
    for (const filter of [
      'labels.env:"rare"',
      `digest.sha256 = ${'0'.repeat(64)}`,
      'display_name = "folder/4711*"',
    ]) {
      const { rowsRead } = await explained(() =>
        files.list({
          tenantId: TENANT,
          filter: parseFilter(filter),
          order: parseOrder(filter.startsWith('display_name') ? 'display_name' : ''),
          pageSize: 100,
          cursor: null,
          showDeleted: false,
        }),
      );
      expect(rowsRead).toBeLessThan(3000);
    }
  });

  it('looks digests up without reading the others', async () => {
    const { plan } = await explained(() => files.missingDigests(TENANT, [contentOf('x'), contentOf('y')]));
    expect(plan).toMatch(/files_by_digest|files_by_blob/);
    const { plan: find } = await explained(() => files.findByDigest(TENANT, contentOf('x').sha256));
    expect(find).not.toMatch(/Seq Scan/);
  });

  async function cursorInTheMiddle(order: Order): Promise<PageCursor> {
    const { rows } = await database.postgres.query<{ id: string }>(
      `select file_id as id from files where tenant_id = $1 order by ${order[0]?.field} offset $2 limit 1`,
      [TENANT, COUNT / 2],
    );
    const file = await files.get(TENANT, rows[0]?.id as string);
    const values = { create_time: file.createTime.getTime(), update_time: file.updateTime.getTime() };
    const all = { ...values, size_bytes: file.sizeBytes, display_name: file.displayName };
    return { values: order.map(({ field }) => all[field]), id: file.fileId };
  }
});

const NEW = { mustNotExist: true, uploadId: null };

/** The plans of the statements that `act` makes a fresh store run, as Postgres really ran them. */
async function explained(act: () => Promise<unknown>): Promise<{ plan: string; rowsRead: number }> {
  const { postgres } = database;
  const real = postgres.query.bind(postgres);
  const plans: string[] = [];
  const query: typeof real = async (text, values, options) => {
    const { rows } = await real<Record<string, string>>(
      `explain (analyze, costs off, timing off) ${text}`,
      values,
    );
    plans.push(...rows.map((row) => row['QUERY PLAN'] as string));
    return real(text, values, options);
  };
  postgres.query = query;
  try {
    await act();
  } finally {
    postgres.query = real;
  }
  const plan = plans.join('\n');
  const counts = [...plan.matchAll(/(?:rows=|Removed by Filter: )(\d+)/g)].map((found) => Number(found[1]));
  return { plan, rowsRead: Math.max(...counts) };
}
