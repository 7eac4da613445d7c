import { LongshoreClientError } from './client-error.ts';
import type { Surroundings } from './surroundings.ts';

export interface RetryPolicy {
  /** Attempts in a row that bring nothing before the error is given to the caller; progress starts the count again. */
  readonly triesMax: number;
  /** The same for a server that never answered yet: an address that is wrong stays wrong. */
  readonly triesMaxUnreached: number;
  /** Ceiling of the first wait; each further one is twice as high. */
  readonly baseMs: number;
  /** No ceiling is higher than this. */
  readonly capMs: number;
  /** A server that asks for a longer wait than this is not waited for: the caller gets the error, and decides. */
  readonly retryAfterMsMax: number;
}

/** Twenty attempts: a good minute on average, so that a server that is started again, or its database, is waited for. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  triesMax: 20,
  triesMaxUnreached: 20,
  baseMs: 200,
  capMs: 10_000,
  retryAfterMsMax: 60_000,
};

/** Something went wrong on the way and is tried again. */
export interface RetryEvent {
  readonly error: LongshoreClientError;
  /** How many attempts in a row have failed without progress. */
  readonly tries: number;
  /** How long until the next attempt. */
  readonly delayMs: number;
}

/** The server decided these, and an attempt that first asks where things stand can still succeed. */
const RESUMABLE_REASONS: ReadonlySet<string> = new Set([
  'OFFSET_MISMATCH', // go on from where the server is
  'CHUNK_CORRUPT', // damaged on the way: send it again
  'UPLOAD_IDLE', // our own stall ended the stream, not the upload
  'RATE_LIMITED',
]);

/**
 * Codes that mean a broken connection when no Longshore server put its reason to them: grpc-js gives INTERNAL or
 * CANCELLED for a stream that was reset under it.
 */
const TRANSPORT_CODES: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
  'CANCELLED',
]);

/**
 * Whether another attempt can end better. A full disk (STORAGE_FULL) counts as final though the server may say when to
 * come back: room is made by people, and they should hear of it now.
 */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof LongshoreClientError)) return false;
  if (error.reason === '') return TRANSPORT_CODES.has(error.code);
  if (RESUMABLE_REASONS.has(error.reason)) return true;
  return error.code === 'UNAVAILABLE' || error.code === 'DEADLINE_EXCEEDED';
}

/**
 * How long to wait after `tries` failures in a row: exponential with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), after what the server asked for.
 * `random` is in [0, 1).
 */
export function backoffMs(policy: RetryPolicy, tries: number, random: number, retryAfterMs = 0): number {
  const ceilingMs = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(tries - 1, 30));
  return Math.round(retryAfterMs + random * ceilingMs);
}

export interface RetryOptions {
  readonly policy: RetryPolicy;
  readonly surroundings: Surroundings;
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
  /** Whether the server ever answered. */
  readonly reached: () => boolean;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed `triesMax` times since it last called `progressed`.
 * Rejects with the attempt's last error, or with the signal's reason as soon as that is aborted.
 */
export async function withRetries<T>(
  options: RetryOptions,
  attempt: (progressed: () => void) => Promise<T>,
): Promise<T> {
  const { policy, surroundings, signal } = options;
  let tries = 0;
  const progressed = (): void => {
    tries = 0;
  };
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt(progressed);
    } catch (error) {
      signal?.throwIfAborted();
      tries += 1;
      if (!(error instanceof LongshoreClientError) || !isRetryable(error)) throw error;
      const { triesMax, triesMaxUnreached } = policy;
      if (tries >= (options.reached() ? triesMax : Math.min(triesMax, triesMaxUnreached))) throw error;
      const retryAfterMs = error.retryAfterMs ?? 0;
      if (retryAfterMs > policy.retryAfterMsMax) throw error;
      const delayMs = backoffMs(policy, tries, surroundings.random(), retryAfterMs);
      options.onRetry?.({ error, tries, delayMs });
      await surroundings.sleep(delayMs, signal);
    }
  }
}
