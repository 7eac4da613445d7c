import { describe, expect, it } from 'vitest';
import type { OperationStore } from '../../src/operations/operation-store.ts';

export interface OperationStores {
  operations: OperationStore;
  /** The same store in another process. */
  otherOperations: OperationStore;
  /** What was announced since the last call; waits for at least `count`. */
  announced(count: number): Promise<unknown[]>;
}

/** What every store of operations must do. Each test works in a tenant of its own. */
export function operationStoreContract(open: () => OperationStores): void {
  const { operations, otherOperations, announced } = open();
  let tenants = 0;
  const newTenant = () => `operator-${(tenants += 1)}`;
  const create = (tenantId: string, operationId = 'op') =>
    operations.create({
      tenantId,
      operationId,
      kind: 'verify-file',
      input: { fileId: 'a', deep: [1, null] },
    });

  describe('an operation', () => {
    it('is found as it was made, by its tenant alone', async () => {
      const tenantId = newTenant();
      const made = await create(tenantId);
      expect(made).toMatchObject({
        tenantId,
        operationId: 'op',
        kind: 'verify-file',
        input: { fileId: 'a', deep: [1, null] },
      });
      expect(made).toMatchObject({
        progress: {},
        result: null,
        error: null,
        done: false,
        cancelRequested: false,
      });
      expect(await otherOperations.get(tenantId, 'op')).toEqual(made);
      expect(await operations.get(newTenant(), 'op')).toBeNull();
      expect(await operations.get(tenantId, 'never')).toBeNull();
    });

    it('goes on, ends once, and announces each change', async () => {
      const tenantId = newTenant();
      await create(tenantId);
      await announced(0);
      expect(await operations.progress(tenantId, 'op', { bytes: 5 })).toEqual({ cancelRequested: false });
      expect((await operations.get(tenantId, 'op'))?.progress).toEqual({ bytes: 5 });
      await operations.succeed(tenantId, 'op', { good: true });
      await operations.fail(tenantId, 'op', { reason: 'INTERNAL', message: 'too late', metadata: {} });
      expect(await operations.get(tenantId, 'op')).toMatchObject({
        done: true,
        result: { good: true },
        error: null,
      });
      expect(await announced(2)).toEqual([
        { tenantId, operationId: 'op', done: false },
        { tenantId, operationId: 'op', done: true },
      ]);
    });

    it('fails with a reason', async () => {
      const tenantId = newTenant();
      await create(tenantId);
      const error = { reason: 'BLOB_CORRUPT', message: 'It is bad.', metadata: { chunk: '3' } };
      await operations.fail(tenantId, 'op', error);
      await operations.succeed(tenantId, 'op', {});
      expect(await operations.get(tenantId, 'op')).toMatchObject({ done: true, result: null, error });
    });

    it('is asked to stop, which it learns with its next step', async () => {
      const tenantId = newTenant();
      await create(tenantId);
      expect(await otherOperations.requestCancel(tenantId, 'op')).toMatchObject({
        cancelRequested: true,
        done: false,
      });
      expect(await operations.requestCancel(tenantId, 'op')).toMatchObject({ cancelRequested: true });
      expect(await operations.progress(tenantId, 'op', {})).toEqual({ cancelRequested: true });
      expect(await operations.requestCancel(tenantId, 'never')).toBeNull();
    });

    it('that has ended is not asked to stop', async () => {
      const tenantId = newTenant();
      await create(tenantId);
      await operations.succeed(tenantId, 'op', {});
      expect(await operations.requestCancel(tenantId, 'op')).toMatchObject({
        cancelRequested: false,
        done: true,
      });
    });

    it('that is deleted has nobody waiting for it', async () => {
      const tenantId = newTenant();
      await create(tenantId);
      expect(await operations.delete(newTenant(), 'op')).toBe(false);
      expect(await operations.delete(tenantId, 'op')).toBe(true);
      expect(await operations.delete(tenantId, 'op')).toBe(false);
      expect(await operations.progress(tenantId, 'op', {})).toEqual({ cancelRequested: true });
      await operations.succeed(tenantId, 'op', {});
      expect(await operations.get(tenantId, 'op')).toBeNull();
    });
  });

  it('lists each operation once, newest first, in pages', async () => {
    const tenantId = newTenant();
    const ids = Array.from({ length: 7 }, (_, i) => `op-${i}`);
    for (const id of ids) await create(tenantId, id);
    const listed: string[] = [];
    let after: { createTime: Date; operationId: string } | null = null;
    do {
      const page: Awaited<ReturnType<OperationStore['list']>> = await operations.list(tenantId, 3, after);
      listed.push(...page.operations.map((operation) => operation.operationId));
      after = page.next;
    } while (after !== null);
    expect(listed.toSorted()).toEqual(ids);
  });

  it('forgets operations that ended long ago, in batches', async () => {
    const tenantId = newTenant();
    for (const id of ['a', 'b', 'c', 'running']) await create(tenantId, id);
    for (const id of ['a', 'b', 'c']) await operations.succeed(tenantId, id, {});
    const future = new Date(Date.now() + 60_000);
    expect(await operations.forget(new Date(Date.now() - 60_000), 100)).toBe(0);
    expect(await operations.forget(future, 2)).toBe(2);
    await operations.forget(future, 100);
    const { operations: left } = await operations.list(tenantId, 10, null);
    expect(left.map((operation) => operation.operationId)).toEqual(['running']);
  });
}
