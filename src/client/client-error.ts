/** The names of gRPC's status codes (https://grpc.io/docs/guides/status-codes/). */
export type StatusCode =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED';

export interface ClientErrorDetails {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly { readonly field: string; readonly description: string }[];
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * What a call to Longshore ended with. `message` is a sentence for people; a program looks at `reason`.
 *
 * Trouble with your own side (a path that is not there, a stream that failed) is not wrapped: it reaches you as Node
 * threw it. An aborted call rejects with the reason of its signal.
 */
export class LongshoreClientError extends Error {
  override readonly name = 'LongshoreClientError';
  readonly code: StatusCode;
  /**
   * The server's own word for it (`FILE_NOT_FOUND`, `DIGEST_MISMATCH`, ...: the table of the API's errors). Empty where
   * no Longshore server decided it: the connection was lost, or something in between answered.
   */
  readonly reason: string;
  /** Facts that belong to the reason, for example `persisted_size`, `expected` and `actual`, `limit`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Which fields of the request were wrong. */
  readonly violations: readonly { readonly field: string; readonly description: string }[];
  /** The server's wish: not again before so many milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: StatusCode, reason: string, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.reason = reason;
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}
