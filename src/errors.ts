/**
 * Every way in which Longshore refuses or fails, as the `reason` of `google.rpc.ErrorInfo` (domain `longshore`).
 * The list is closed: the table in `grpc/status.ts` maps each of these to one gRPC code and must be exhaustive.
 */
export const ERROR_REASONS = [
  // Content and its proof.
  'CHUNK_CORRUPT',
  'DIGEST_MISMATCH',
  'OVERLAP_DIFFERS',
  'BLOB_CORRUPT',
  // Uploads.
  'OFFSET_MISMATCH',
  'WRITER_SUPERSEDED',
  'UPLOAD_NOT_FOUND',
  'UPLOAD_EXPIRED',
  'UPLOAD_IDLE',
  'UPLOAD_CLOSED',
  'UPLOAD_INCOMPLETE',
  // Files.
  'FILE_NOT_FOUND',
  'ALREADY_EXISTS',
  'ETAG_MISMATCH',
  'RANGE_NOT_SATISFIABLE',
  'RETENTION_ACTIVE',
  // What the caller sent.
  'FIELD_INVALID',
  'TYPE_BLOCKED',
  'TYPE_MISMATCH',
  'FILE_TOO_LARGE',
  // Who the caller is, and how much it may use.
  'CREDENTIALS_INVALID',
  'ACCESS_DENIED',
  'QUOTA_EXCEEDED',
  'RATE_LIMITED',
  // What stands behind us.
  'STORAGE_FULL',
  'STORAGE_FAILED',
  'DATABASE_UNAVAILABLE',
  'SOURCE_UNAVAILABLE',
  'ORIGIN_REFUSED',
  'ORIGIN_CHANGED',
  'ORIGIN_TRUNCATED',
  'ADDRESS_BLOCKED',
  'PROVIDER_UNSUPPORTED',
  'PROVIDER_ANSWER_INVALID',
  // The call and the server.
  'MESSAGE_TOO_LARGE',
  'DRAINING',
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'NOT_IMPLEMENTED',
  'INTERNAL',
] as const;

export type ErrorReason = (typeof ERROR_REASONS)[number];

/** One field of a request that is wrong: becomes `google.rpc.BadRequest.FieldViolation`. */
export interface FieldViolation {
  /** Path of the field in the request message, for example `file.labels`. */
  readonly field: string;
  readonly description: string;
}

/** The limit that was met: becomes `google.rpc.QuotaFailure.Violation`. */
export interface QuotaViolation {
  /** Whose limit, for example `tenants/acme`. */
  readonly subject: string;
  readonly description: string;
}

export interface LongshoreErrorOptions {
  /** Facts a program can act on; keys as in the error table of the API (`persisted_size`, `expected`, `limit`, ...). */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  readonly quota?: readonly QuotaViolation[];
  /** When a retry makes sense, in milliseconds from now: becomes `google.rpc.RetryInfo`. */
  readonly retryAfterMs?: number;
  /** What went wrong underneath. It is logged and never sent to a client. */
  readonly cause?: unknown;
}

/**
 * The one error class. `message` is a sentence for the caller and goes over the wire: no path, address or SQL of ours in it.
 */
export class LongshoreError extends Error {
  override readonly name = 'LongshoreError';
  readonly reason: ErrorReason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly quota: readonly QuotaViolation[];
  readonly retryAfterMs: number | undefined;

  constructor(reason: ErrorReason, message: string, options: LongshoreErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.metadata = options.metadata ?? {};
    this.violations = options.violations ?? [];
    this.quota = options.quota ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }

  /**
   * Whatever was thrown, as a LongshoreError with the thrown value as `cause`. Aborted signals, time-outs and the answers
   * of a full or broken disk keep their meaning; everything else is a bug of ours and INTERNAL, with a message that tells
   * a client nothing about us.
   */
  static from(thrown: unknown): LongshoreError {
    if (thrown instanceof LongshoreError) return thrown;
    // Signals aborted with a reason of ours arrive wrapped by Node's own functions (timers, fs, events).
    if (isAborted(thrown) && thrown.cause instanceof LongshoreError) return thrown.cause;
    if (isAborted(thrown))
      return new LongshoreError('CANCELLED', 'The call was cancelled.', { cause: thrown });
    if (thrown instanceof Error && thrown.name === 'TimeoutError') {
      return new LongshoreError('DEADLINE_EXCEEDED', 'The deadline passed.', { cause: thrown });
    }
    const code = systemCode(thrown);
    if (code !== undefined && DISK_FULL.has(code)) {
      return new LongshoreError('STORAGE_FULL', 'There is no room left on the disk.', { cause: thrown });
    }
    if (code !== undefined && DISK_BROKEN.has(code)) {
      return new LongshoreError('STORAGE_FAILED', 'The disk failed.', { cause: thrown });
    }
    return new LongshoreError('INTERNAL', 'An internal error.', { cause: thrown });
  }
}

const DISK_FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const DISK_BROKEN: ReadonlySet<string> = new Set(['EIO', 'EROFS', 'ENODEV', 'ENXIO', 'ESTALE']);

function isAborted(thrown: unknown): thrown is Error {
  return thrown instanceof Error && thrown.name === 'AbortError';
}

function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
