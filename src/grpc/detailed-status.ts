import { ServerInterceptingCall, status as codes, type ServerInterceptor } from '@grpc/grpc-js';
import { LongshoreError } from '../errors.ts';
import { grpcStatus, hasDetails } from './status.ts';

/** Gives details to the statuses that grpc-js makes by itself: for time that ran out and for messages that are too long. */
export const detailedStatus: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    sendStatus: (status, next) =>
      next(status.code === codes.OK || hasDetails(status) ? status : detailed(status.code, status.details)),
  });

function detailed(code: codes | undefined, details: string | undefined): ReturnType<typeof grpcStatus> {
  const message = details ?? '';
  if (code === codes.DEADLINE_EXCEEDED) return grpcStatus(new LongshoreError('DEADLINE_EXCEEDED', message));
  if (code === codes.RESOURCE_EXHAUSTED) return grpcStatus(new LongshoreError('MESSAGE_TOO_LARGE', message));
  if (code === codes.UNIMPLEMENTED) return grpcStatus(new LongshoreError('NOT_IMPLEMENTED', message));
  if (code === codes.CANCELLED) return grpcStatus(new LongshoreError('CANCELLED', message));
  return grpcStatus(new LongshoreError('INTERNAL', 'An internal error.'));
}
