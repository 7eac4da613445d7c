import { status as codes, type Server, type ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { LongshoreError } from '../errors.ts';
import { grpcStatus, hasDetails } from './status.ts';

type Status = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/**
 * Gives details to the statuses that grpc-js makes by itself: for time that ran out and for messages that are too long. It sends
 * them from the innermost call, so that is the one to give.
 */
export function detailStatuses(call: ServerInterceptingCallInterface): void {
  const sendStatus = call.sendStatus.bind(call);
  call.sendStatus = (status) => sendStatus(detailed(status));
}

/** What grpc-js keeps to itself, as of 1.14: how it answers calls that no handler gets. */
interface ServerInternals {
  _respondWithError(status: Partial<Status>, ...rest: unknown[]): void;
}

/** The same for calls of methods that there are none of. */
export function detailUnknownMethods(server: Server): void {
  const internals: object = server;
  if (!hasInternals(internals)) {
    throw new Error('this grpc-js answers unknown methods in another way: pin the version in package.json');
  }
  const respond = internals._respondWithError.bind(server);
  internals._respondWithError = (status, ...rest) => respond(detailed(status), ...rest);
}

function hasInternals(server: object): server is ServerInternals {
  return '_respondWithError' in server && typeof server._respondWithError === 'function';
}

function detailed<T extends Partial<Status>>(status: T): T | Status {
  if (status.code === codes.OK || hasDetails(status)) return status;
  return grpcStatus(errorOf(status.code, status.details ?? ''));
}

function errorOf(code: codes | undefined, message: string): LongshoreError {
  if (code === codes.DEADLINE_EXCEEDED) return new LongshoreError('DEADLINE_EXCEEDED', message);
  if (code === codes.RESOURCE_EXHAUSTED) return new LongshoreError('MESSAGE_TOO_LARGE', message);
  if (code === codes.UNIMPLEMENTED) return new LongshoreError('NOT_IMPLEMENTED', message);
  if (code === codes.CANCELLED) return new LongshoreError('CANCELLED', message);
  return new LongshoreError('INTERNAL', 'An internal error.');
}
