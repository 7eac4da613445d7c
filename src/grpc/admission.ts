import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Caller } from '../access/caller.ts';
import { LongshoreError } from '../errors.ts';

/** How soon a client that was turned away for want of room may try again. */
const CROWDED_RETRY_MS = 1000;

/** Whether a call may start: not while the server stops, not above a tenant's rate, not above what this process can carry. */
export class Admission {
  readonly #limiter: RateLimiterMemory | null;
  readonly #callsMax: number;
  #draining = false;

  /** `requestsPerSecondMax` 0: no limit. */
  constructor(requestsPerSecondMax: number, callsMax: number) {
    this.#limiter =
      requestsPerSecondMax === 0
        ? null
        : new RateLimiterMemory({ points: requestsPerSecondMax, duration: 1 });
    this.#callsMax = callsMax;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** From now on every call is told to go to another server. */
  drain(): void {
    this.#draining = true;
  }

  /** `running` counts this call too. Throws DRAINING or RATE_LIMITED, each with when to come back. */
  async admit(caller: Caller, running: number): Promise<void> {
    if (this.#draining) {
      throw new LongshoreError('DRAINING', 'The server stops: go on at another one.', { retryAfterMs: 1000 });
    }
    if (running > this.#callsMax) {
      throw new LongshoreError('RATE_LIMITED', `The server carries ${this.#callsMax} calls already.`, {
        retryAfterMs: CROWDED_RETRY_MS,
      });
    }
    await this.#take(caller.tenantId ?? '');
  }

  async #take(tenantId: string): Promise<void> {
    try {
      await this.#limiter?.consume(tenantId);
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      throw new LongshoreError(
        'RATE_LIMITED',
        `The tenant may make ${this.#limiter?.points} calls a second.`,
        {
          retryAfterMs: refused.msBeforeNext,
        },
      );
    }
  }
}
