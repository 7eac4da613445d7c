/** AIP-155: remembers the answer to a request id so that a repeat gives it again. Kept for 24 hours. */
export interface RequestStore {
  /**
   * Runs `act` once per tenant and request id. A repeat with the same method and fingerprint gives the first answer
   * (two at once: one waits for the other, until `signal` is aborted); with another fingerprint FIELD_INVALID. When `act`
   * throws nothing is remembered. An empty id just runs `act`.
   */
  once<T>(
    request: { tenantId: string; requestId: string; method: string; fingerprint: string },
    act: () => Promise<T>,
    codec: { encode(value: T): unknown; decode(stored: unknown): T },
    signal?: AbortSignal,
  ): Promise<T>;
  /** Forgets what is older than `before`; at most `limit`; how many. */
  forget(before: Date, limit: number): Promise<number>;
}
