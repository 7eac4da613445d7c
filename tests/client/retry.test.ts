import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { LongshoreClientError, type StatusCode } from '../../src/client/client-error.ts';
import {
  backoffMs,
  DEFAULT_RETRY_POLICY,
  isRetryable,
  withRetries,
  type RetryEvent,
} from '../../src/client/retry.ts';
import type { Surroundings } from '../../src/client/surroundings.ts';

const policy = { triesMax: 4, triesMaxUnreached: 2, baseMs: 100, capMs: 1_000, retryAfterMsMax: 60_000 };

function failure(code: StatusCode, reason = '', retryAfterMs?: number): LongshoreClientError {
  return new LongshoreClientError(code, reason, `${code} ${reason}`, { retryAfterMs });
}

const reached = (): boolean => true;

/** Time that passes only by sleeping, and chance that always gives one half. */
function surroundings(): Surroundings & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    nowMs: () => 0,
    random: () => 0.5,
    uniqueId: () => 'id',
    sleep: (ms, signal) => {
      slept.push(ms);
      signal?.throwIfAborted();
      return Promise.resolve();
    },
  };
}

describe('the wait before another attempt', () => {
  it('is at most the base, doubled with each failure, up to the cap', () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 60].map((tries) => backoffMs(policy, tries, 1));
    expect(ceilings).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  it('is spread evenly from nothing to its ceiling', () => {
    expect(backoffMs(policy, 3, 0)).toBe(0);
    expect(backoffMs(policy, 3, 0.25)).toBe(100);
  });

  it('is never shorter than what the server asked for', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(60_000),
        (tries, random, asked) => {
          const waitMs = backoffMs(policy, tries + 1, random, asked);
          expect(waitMs).toBeGreaterThanOrEqual(asked);
          expect(waitMs).toBeLessThanOrEqual(asked + policy.capMs);
        },
      ),
    );
  });
});

describe('what is tried again', () => {
  it.each([
    ['a lost connection', 'UNAVAILABLE', ''],
    ['a stream that was reset', 'INTERNAL', ''],
    ['a stream that was cancelled by nobody here', 'CANCELLED', ''],
    ['a call without an answer in time', 'DEADLINE_EXCEEDED', ''],
    ['a server that drains', 'UNAVAILABLE', 'DRAINING'],
    ['a database that is away', 'UNAVAILABLE', 'DATABASE_UNAVAILABLE'],
    ['an offset that the server does not have', 'ABORTED', 'OFFSET_MISMATCH'],
    ['a chunk that was damaged on the way', 'INVALID_ARGUMENT', 'CHUNK_CORRUPT'],
    ['a rate that was too high', 'RESOURCE_EXHAUSTED', 'RATE_LIMITED'],
  ] as const)('%s', (_, code, reason) => {
    expect(isRetryable(failure(code, reason))).toBe(true);
  });
});

describe('what is final', () => {
  it.each([
    ['a digest that differs', 'INVALID_ARGUMENT', 'DIGEST_MISMATCH'],
    ['another writer', 'ABORTED', 'WRITER_SUPERSEDED'],
    ['a stale etag', 'ABORTED', 'ETAG_MISMATCH'],
    ['a file that is not there', 'NOT_FOUND', 'FILE_NOT_FOUND'],
    ['no right', 'PERMISSION_DENIED', 'ACCESS_DENIED'],
    ['no credentials', 'UNAUTHENTICATED', 'CREDENTIALS_INVALID'],
    ['a quota', 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'],
    ['a full disk', 'RESOURCE_EXHAUSTED', 'STORAGE_FULL'],
    ['an expired upload', 'FAILED_PRECONDITION', 'UPLOAD_EXPIRED'],
    ['bad stored bytes', 'DATA_LOSS', 'BLOB_CORRUPT'],
    ["a bug of the server's", 'INTERNAL', 'INTERNAL'],
    ['an unknown method', 'UNIMPLEMENTED', ''],
    ['a message that is too large', 'RESOURCE_EXHAUSTED', ''],
  ] as const)('%s', (_, code, reason) => {
    expect(isRetryable(failure(code, reason))).toBe(false);
  });

  it("the source's own error", () => {
    expect(isRetryable(new Error('ENOENT'))).toBe(false);
  });
});

describe('attempts', () => {
  it('end with the first that succeeds', async () => {
    const world = surroundings();
    let attempts = 0;
    const outcome = await withRetries({ policy, surroundings: world, reached }, () => {
      attempts += 1;
      return attempts < 3 ? Promise.reject(failure('UNAVAILABLE')) : Promise.resolve('here');
    });
    expect(outcome).toBe('here');
    expect(world.slept).toEqual([50, 100]);
  });

  it('end with the last error when as many as allowed in a row brought nothing', async () => {
    const events: RetryEvent[] = [];
    const world = surroundings();
    const trying = withRetries(
      { policy, surroundings: world, reached, onRetry: (event) => events.push(event) },
      () => Promise.reject(failure('UNAVAILABLE')),
    );
    await expect(trying).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(events.map(({ tries, delayMs }) => [tries, delayMs])).toEqual([
      [1, 50],
      [2, 100],
      [3, 200],
    ]);
  });

  it('are fewer while the server never answered', async () => {
    let attempts = 0;
    const trying = withRetries({ policy, surroundings: surroundings(), reached: () => false }, () => {
      attempts += 1;
      return Promise.reject(failure('UNAVAILABLE'));
    });
    await expect(trying).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(attempts).toBe(2);
  });

  it('are counted anew after each one that brought something', async () => {
    let attempts = 0;
    await withRetries({ policy, surroundings: surroundings(), reached }, (progressed) => {
      attempts += 1;
      if (attempts % 2 === 0) progressed();
      return attempts < 20 ? Promise.reject(failure('UNAVAILABLE')) : Promise.resolve();
    });
    expect(attempts).toBe(20);
  });

  it('wait as long as the server asked, but not for ever', async () => {
    const world = surroundings();
    let attempts = 0;
    const busy = (retryAfterMs: number) =>
      withRetries({ policy, surroundings: world, reached }, () => {
        attempts += 1;
        return attempts === 1
          ? Promise.reject(failure('RESOURCE_EXHAUSTED', 'RATE_LIMITED', retryAfterMs))
          : Promise.resolve('here');
      });
    await expect(busy(2_000)).resolves.toBe('here');
    expect(world.slept).toEqual([2_050]);
    attempts = 0;
    await expect(busy(3_600_000)).rejects.toMatchObject({ reason: 'RATE_LIMITED', retryAfterMs: 3_600_000 });
  });

  it("end with the signal's reason once it is aborted", async () => {
    const controller = new AbortController();
    const trying = withRetries(
      { policy: DEFAULT_RETRY_POLICY, surroundings: surroundings(), reached, signal: controller.signal },
      () => {
        controller.abort(new Error('enough'));
        return Promise.reject(failure('UNAVAILABLE'));
      },
    );
    await expect(trying).rejects.toThrow('enough');
  });
});
