import { status, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { LongshoreClientError, type StatusCode } from './client-error.ts';
import type { BadRequestMessage, ErrorInfoMessage, RetryInfoMessage, StatusMessage } from './messages.ts';
import { decode, unpack } from './proto.ts';

/** `google.rpc.ErrorInfo.domain` of errors that a Longshore server decided. */
const DOMAIN = 'longshore';

/** Whatever a gRPC call failed with; anything else is passed through as it is. */
export function fromCallError(thrown: unknown): unknown {
  if (!isServiceError(thrown)) return thrown;
  return fromStatus(
    richStatus(thrown.metadata) ?? { code: thrown.code, message: thrown.details, details: [] },
    thrown,
  );
}

/** A `google.rpc.Status`, as calls, operations, uploads and items of a batch carry it. */
export function fromStatus(message: StatusMessage, cause?: unknown): LongshoreClientError {
  let info: ErrorInfoMessage | undefined;
  let retryAfterMs: number | undefined;
  let violations: BadRequestMessage['fieldViolations'] = [];
  for (const detail of message.details) {
    info ??= unpack<ErrorInfoMessage>('google.rpc.ErrorInfo', detail);
    const delay = unpack<RetryInfoMessage>('google.rpc.RetryInfo', detail)?.retryDelay;
    if (delay) retryAfterMs = delay.seconds * 1000 + delay.nanos / 1e6;
    violations = unpack<BadRequestMessage>('google.rpc.BadRequest', detail)?.fieldViolations ?? violations;
  }
  const ours = info?.domain === DOMAIN;
  const code = (status[message.code] ?? 'UNKNOWN') as StatusCode;
  return new LongshoreClientError(
    code,
    ours ? info!.reason : '',
    message.message || `The call ended with ${code}.`,
    {
      metadata: ours ? info!.metadata : {},
      violations,
      retryAfterMs,
      cause,
    },
  );
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return (
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'details' in thrown
  );
}

function richStatus(metadata: Metadata | undefined): StatusMessage | undefined {
  const [bytes] = metadata?.get('grpc-status-details-bin') ?? [];
  if (!Buffer.isBuffer(bytes)) return undefined;
  try {
    return decode<StatusMessage>('google.rpc.Status', bytes);
  } catch {
    // Some other party's trailer of that name: the plain status says enough.
    return undefined;
  }
}
