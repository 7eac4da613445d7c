import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { ERROR_REASONS, LongshoreError } from '../src/errors.ts';

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: write`), { code });
}

describe('LongshoreError.from', () => {
  it('leaves an error of ours as it is', () => {
    const error = new LongshoreError('ETAG_MISMATCH', 'The file has changed.', { metadata: { etag: 'b' } });
    expect(LongshoreError.from(error)).toBe(error);
  });

  it.each([
    ['ENOSPC', 'STORAGE_FULL'],
    ['EDQUOT', 'STORAGE_FULL'],
    ['EIO', 'STORAGE_FAILED'],
    ['EROFS', 'STORAGE_FAILED'],
    ['EINVAL', 'INTERNAL'],
  ])('takes %s of the disk for %s and keeps it as cause', (code, reason) => {
    const cause = systemError(code);
    expect(LongshoreError.from(cause)).toMatchObject({ reason, cause });
  });

  it('takes an aborted signal for CANCELLED and a passed deadline for DEADLINE_EXCEEDED', async () => {
    expect(LongshoreError.from(AbortSignal.abort().reason).reason).toBe('CANCELLED');
    const passed = AbortSignal.timeout(1);
    await delay(10);
    expect(LongshoreError.from(passed.reason).reason).toBe('DEADLINE_EXCEEDED');
  });

  it('finds the reason that a signal was aborted with inside the error that Node made of it', async () => {
    const reason = new LongshoreError('WRITER_SUPERSEDED', 'Another writer took over.');
    const thrown: unknown = await delay(1000, null, { signal: AbortSignal.abort(reason) }).catch(
      (e: unknown) => e,
    );
    expect(thrown).not.toBe(reason);
    expect(LongshoreError.from(thrown)).toBe(reason);
  });

  it.each([new TypeError('x is undefined'), 'a string', undefined, null, 7])(
    'takes %s for a bug of ours and tells nobody what it was',
    (thrown) => {
      const error = LongshoreError.from(thrown);
      expect(error.reason).toBe('INTERNAL');
      expect(error.message).toBe('An internal error.');
      expect(error.cause).toBe(thrown);
    },
  );
});

describe('the reasons', () => {
  it('are each there once', () => {
    expect(new Set(ERROR_REASONS).size).toBe(ERROR_REASONS.length);
  });
});

describe('the clock of the system', () => {
  it('ends a sleep at once with the reason of the signal', async () => {
    const reason = new LongshoreError('DRAINING', 'The server stops.');
    const controller = new AbortController();
    const sleeping = systemClock.sleep(60_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(systemClock.sleep(60_000, controller.signal)).rejects.toBe(reason);
  });

  it('sleeps longer than a timer of Node can, instead of not at all', async () => {
    const controller = new AbortController();
    const sleeping = systemClock.sleep(2 ** 40, controller.signal);
    expect(await Promise.race([sleeping.then(() => 'woke'), delay(20).then(() => 'asleep')])).toBe('asleep');
    controller.abort();
    await expect(sleeping).rejects.toThrow();
  });
});
