import { describe, expect, it } from 'vitest';
import { runJobs } from '../../src/cli/run-jobs.ts';

const never = new AbortController().signal;

function soon(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('jobs', () => {
  it('run as many at a time as allowed, and no more', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await runJobs([1, 2, 3, 4, 5, 6, 7], 3, never, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await soon();
      running -= 1;
      done.push(item);
    });
    expect(most).toBe(3);
    expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('take the next item only when there is a place for it', async () => {
    let taken = 0;
    async function* items() {
      for (; taken < 100; taken++) yield taken;
    }
    let seen = 0;
    await runJobs(items(), 2, never, async () => {
      expect(taken - seen).toBeLessThanOrEqual(2);
      await soon();
      seen += 1;
    });
    expect(seen).toBe(100);
  });

  it('stop with the first error, when those under way have ended', async () => {
    const ended: number[] = [];
    const running = runJobs([1, 2, 3, 4, 5, 6], 2, never, async (item) => {
      if (item === 1) throw new Error('broken');
      await soon();
      ended.push(item);
    });
    await expect(running).rejects.toThrow('broken');
    expect(ended).toEqual([2]);
  });

  it('stop when the signal is aborted', async () => {
    const controller = new AbortController();
    const done: number[] = [];
    await runJobs([1, 2, 3], 1, controller.signal, (item) => {
      done.push(item);
      controller.abort();
      return Promise.resolve();
    });
    expect(done).toEqual([1]);
  });
});
