import { Metadata, status as codes, type StatusObject } from '@grpc/grpc-js';
import type { Status } from '../gen/google/rpc/Status.ts';
import { type LongshoreError, type ErrorReason } from '../errors.ts';
import { encode, packAny } from './protos.ts';

/** The one table from reasons to gRPC codes. */
const CODES: Record<ErrorReason, codes> = {
  CHUNK_CORRUPT: codes.INVALID_ARGUMENT,
  DIGEST_MISMATCH: codes.INVALID_ARGUMENT,
  OVERLAP_DIFFERS: codes.ABORTED,
  BLOB_CORRUPT: codes.DATA_LOSS,
  OFFSET_MISMATCH: codes.ABORTED,
  WRITER_SUPERSEDED: codes.ABORTED,
  UPLOAD_NOT_FOUND: codes.NOT_FOUND,
  UPLOAD_EXPIRED: codes.FAILED_PRECONDITION,
  UPLOAD_IDLE: codes.DEADLINE_EXCEEDED,
  UPLOAD_CLOSED: codes.FAILED_PRECONDITION,
  UPLOAD_INCOMPLETE: codes.FAILED_PRECONDITION,
  FILE_NOT_FOUND: codes.NOT_FOUND,
  ALREADY_EXISTS: codes.ALREADY_EXISTS,
  ETAG_MISMATCH: codes.ABORTED,
  RANGE_NOT_SATISFIABLE: codes.OUT_OF_RANGE,
  RETENTION_ACTIVE: codes.FAILED_PRECONDITION,
  FIELD_INVALID: codes.INVALID_ARGUMENT,
  TYPE_BLOCKED: codes.INVALID_ARGUMENT,
  TYPE_MISMATCH: codes.INVALID_ARGUMENT,
  FILE_TOO_LARGE: codes.INVALID_ARGUMENT,
  CREDENTIALS_INVALID: codes.UNAUTHENTICATED,
  ACCESS_DENIED: codes.PERMISSION_DENIED,
  QUOTA_EXCEEDED: codes.RESOURCE_EXHAUSTED,
  RATE_LIMITED: codes.RESOURCE_EXHAUSTED,
  STORAGE_FULL: codes.RESOURCE_EXHAUSTED,
  STORAGE_FAILED: codes.UNAVAILABLE,
  DATABASE_UNAVAILABLE: codes.UNAVAILABLE,
  SOURCE_UNAVAILABLE: codes.UNAVAILABLE,
  ORIGIN_REFUSED: codes.FAILED_PRECONDITION,
  ORIGIN_CHANGED: codes.ABORTED,
  ORIGIN_TRUNCATED: codes.DATA_LOSS,
  ADDRESS_BLOCKED: codes.PERMISSION_DENIED,
  PROVIDER_UNSUPPORTED: codes.UNIMPLEMENTED,
  PROVIDER_ANSWER_INVALID: codes.UNAVAILABLE,
  MESSAGE_TOO_LARGE: codes.RESOURCE_EXHAUSTED,
  DRAINING: codes.UNAVAILABLE,
  CANCELLED: codes.CANCELLED,
  DEADLINE_EXCEEDED: codes.DEADLINE_EXCEEDED,
  NOT_IMPLEMENTED: codes.UNIMPLEMENTED,
  INTERNAL: codes.INTERNAL,
};

const DETAILS_KEY = 'grpc-status-details-bin';
/** A status travels in trailers, of which clients take 8 KiB; longer ones would end the call without any status. */
const MESSAGE_CHARS_MAX = 1000;
const METADATA_CHARS_MAX = 256;
const VIOLATIONS_MAX = 10;
const VIOLATION_CHARS_MAX = 200;

/** The gRPC code by which clients see a reason. */
export function codeOf(reason: ErrorReason): codes {
  return CODES[reason];
}

/** The error as `google.rpc.Status` with ErrorInfo, and BadRequest, QuotaFailure or RetryInfo where they apply. */
export function statusMessage(error: LongshoreError): Required<Status> {
  const details = [
    packAny('google.rpc.ErrorInfo', {
      reason: error.reason,
      domain: 'longshore',
      metadata: shortMetadata(error),
    }),
  ];
  if (error.violations.length > 0) {
    const fieldViolations = error.violations.slice(0, VIOLATIONS_MAX).map(({ field, description }) => ({
      field: short(field, VIOLATION_CHARS_MAX),
      description: short(description, VIOLATION_CHARS_MAX),
    }));
    details.push(packAny('google.rpc.BadRequest', { fieldViolations }));
  }
  if (error.quota.length > 0) {
    details.push(packAny('google.rpc.QuotaFailure', { violations: error.quota }));
  }
  if (error.retryAfterMs !== undefined) {
    const seconds = Math.floor(error.retryAfterMs / 1000);
    const nanos = Math.round((error.retryAfterMs % 1000) * 1e6);
    details.push(packAny('google.rpc.RetryInfo', { retryDelay: { seconds, nanos } }));
  }
  return { code: codeOf(error.reason), message: short(error.message, MESSAGE_CHARS_MAX), details };
}

function shortMetadata({ metadata }: LongshoreError): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [key, short(value, METADATA_CHARS_MAX)]),
  );
}

function short(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}...` : text;
}

/** The error as grpc-js wants it. */
export function grpcStatus(error: LongshoreError): StatusObject {
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, encode('google.rpc.Status', statusMessage(error)));
  return { code: codeOf(error.reason), details: short(error.message, MESSAGE_CHARS_MAX), metadata };
}

/** Whether a status says in detail what happened, as every error of ours does. */
export function hasDetails(status: { metadata?: Metadata | null | undefined }): boolean {
  return (status.metadata?.get(DETAILS_KEY).length ?? 0) > 0;
}
