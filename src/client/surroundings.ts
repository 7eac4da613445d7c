import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** Time and chance as arguments, so that a test can hold them still. */
export interface Surroundings {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
  /** A new id that nobody else has. */
  uniqueId(): string;
}

export const systemSurroundings: Surroundings = {
  nowMs: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
  random: () => Math.random(),
  uniqueId: () => randomUUID(),
};
