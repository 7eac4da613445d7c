import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RequestStore } from '../../src/operations/request-store.ts';

export interface RequestStores {
  requests: RequestStore;
  /** The same store in another process. */
  otherRequests: RequestStore;
  /** Leaves a request behind as a process does that dies while it runs. */
  abandon(request: {
    tenantId: string;
    requestId: string;
    method: string;
    fingerprint: string;
  }): Promise<void>;
}

const codec = {
  encode: (value: Date) => ({ time: value.getTime() }),
  decode: (stored: unknown) => new Date((stored as { time: number }).time),
};
const plain = { encode: (value: unknown) => value, decode: (stored: unknown) => stored };

/** What every store of requests must do. Each test works in a tenant of its own. */
export function requestStoreContract(open: () => RequestStores): void {
  const { requests, otherRequests, abandon } = open();
  let tenants = 0;
  const newRequest = () => ({
    tenantId: `asker-${(tenants += 1)}`,
    requestId: 'r',
    method: 'Delete',
    fingerprint: 'f',
  });

  describe('a request', () => {
    it('runs once, and gives its first answer again', async () => {
      const request = newRequest();
      let runs = 0;
      const act = async () => new Date((runs += 1));
      expect(await requests.once(request, act, codec)).toEqual(new Date(1));
      expect(await requests.once(request, act, codec)).toEqual(new Date(1));
      expect(await otherRequests.once(request, act, codec)).toEqual(new Date(1));
      expect(runs).toBe(1);
    });

    it('may have any answer that JSON can hold', async () => {
      for (const answer of [null, false, 0, '', [], {}]) {
        const request = newRequest();
        expect(await requests.once(request, async () => answer, plain)).toEqual(answer);
        expect(await requests.once(request, async () => 'another', plain)).toEqual(answer);
      }
    });

    it('without an id runs each time', async () => {
      const request = { ...newRequest(), requestId: '' };
      let runs = 0;
      const act = async () => (runs += 1);
      expect([await requests.once(request, act, plain), await requests.once(request, act, plain)]).toEqual([
        1, 2,
      ]);
    });

    it('is another one for another tenant', async () => {
      expect(await requests.once(newRequest(), async () => 1, plain)).toBe(1);
      expect(await requests.once(newRequest(), async () => 2, plain)).toBe(2);
    });

    it('is refused when its id was used for another method or other arguments', async () => {
      const request = newRequest();
      await requests.once(request, async () => 1, plain);
      for (const other of [{ method: 'Copy' }, { fingerprint: 'g' }]) {
        await expect(requests.once({ ...request, ...other }, async () => 2, plain)).rejects.toThrow(
          expect.objectContaining({
            reason: 'FIELD_INVALID',
            violations: [expect.objectContaining({ field: 'request_id' })],
          }),
        );
      }
    });

    it('that failed runs again', async () => {
      const request = newRequest();
      await expect(
        requests.once(request, () => Promise.reject(new Error('the first try')), plain),
      ).rejects.toThrow('the first try');
      expect(await requests.once(request, async () => 'the second', plain)).toBe('the second');
    });

    it('that comes many times at once runs once, and all get its answer', async () => {
      const request = newRequest();
      let runs = 0;
      const act = async () => {
        runs += 1;
        await delay(30);
        return runs;
      };
      // More of them than the database has connections for.
      const answers = await Promise.all(
        Array.from({ length: 24 }, (_, i) => (i % 2 ? requests : otherRequests).once(request, act, plain)),
      );
      expect(new Set(answers)).toEqual(new Set([1]));
      expect(runs).toBe(1);
    });

    it('that waits for a failing one takes over', async () => {
      const request = newRequest();
      let waiting: Promise<unknown> = Promise.resolve();
      const failing = requests.once(
        request,
        async () => {
          waiting = otherRequests.once(request, async () => 'took over', plain);
          await delay(30);
          throw new Error('no');
        },
        plain,
      );
      await expect(failing).rejects.toThrow('no');
      expect(await waiting).toBe('took over');
    });

    it('that waits stops when it is told to', async () => {
      const request = newRequest();
      const act = async () => {
        const signal = AbortSignal.timeout(20);
        const waiting = otherRequests.once(request, async () => 'never', plain, signal);
        await expect(waiting).rejects.toHaveProperty('name', 'TimeoutError');
        return 'done';
      };
      expect(await requests.once(request, act, plain)).toBe('done');
    });

    it('whose process died runs again', async () => {
      const request = newRequest();
      await abandon(request);
      expect(await requests.once(request, async () => 'again', plain)).toBe('again');
      expect(await requests.once(request, async () => 'never', plain)).toBe('again');
    });

    it('is forgotten after its time, in batches', async () => {
      const old = [newRequest(), newRequest(), newRequest()];
      for (const request of old) await requests.once(request, async () => 'first', plain);
      expect(await requests.forget(new Date(Date.now() - 60_000), 100)).toBe(0);
      expect(await requests.forget(new Date(Date.now() + 60_000), 2)).toBe(2);
      await requests.forget(new Date(Date.now() + 60_000), 1000);
      for (const request of old) expect(await requests.once(request, async () => 'new', plain)).toBe('new');
    });
  });
}
