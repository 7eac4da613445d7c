import { ServerInterceptingCall, status as codes, type ServerInterceptor, type StatusObject } from '@grpc/grpc-js';
import { LongshoreError } from '../errors.ts';
import { grpcStatus, hasDetails } from './status.ts';

/** Gives details to the statuses that grpc-js makes by itself: for time that ran out and for messages that are too long. */
export const detailedStatus: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    sendStatus: (status, next) => next(status.code === codes.OK || hasDetails(status) ? status : detailed(status)),
  });

function detailed(status: Partial<StatusObject>): Partial<StatusObject> {
  const message = status.details ?? '';
  if (status.code === codes.DEADLINE_EXCEEDED) return grpcStatus(new LongshoreError('DEADLINE_EXCEEDED', message));
  if (status.code === codes.RESOURCE_EXHAUSTED) return grpcStatus(new LongshoreError('MESSAGE_TOO_LARGE', message));
  if (status.code === codes.UNIMPLEMENTED) return grpcStatus(new LongshoreError('NOT_IMPLEMENTED', message));
  if (status.code === codes.CANCELLED) return grpcStatus(new LongshoreError('CANCELLED', message));
  return grpcStatus(new LongshoreError('INTERNAL', 'An internal error.'));
}
