import { setTimeout as delay } from 'node:timers/promises';

/** Time as an argument, so that a test can move it. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's own reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node's timers hold 31 bits; longer sleeps are made of pieces. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  async sleep(ms, signal) {
    let leftMs = ms;
    try {
      do {
        const pieceMs = Math.min(leftMs, TIMER_MS_MAX);
        await delay(pieceMs, undefined, signal === undefined ? {} : { signal });
        leftMs -= pieceMs;
      } while (leftMs > 0);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
