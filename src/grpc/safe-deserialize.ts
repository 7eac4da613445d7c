import type { ServiceDefinition } from '@grpc/proto-loader';
import { LongshoreError } from '../errors.ts';

/** Stands in for a request that could not be decoded, so that its handler can say so with details. */
export class Malformed {
  readonly error: LongshoreError;

  constructor(cause: unknown) {
    if (cause instanceof LongshoreError) {
      this.error = cause;
      return;
    }
    this.error = new LongshoreError('FIELD_INVALID', 'The request is not a message of this method.', {
      violations: [{ field: '', description: 'The bytes could not be decoded.' }],
      cause,
    });
  }
}

/** The same service, but what cannot be decoded becomes `Malformed` instead of grpc-js's bare INTERNAL. */
export function safeDeserialize(service: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(service).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): object => {
      try {
        return method.requestDeserialize(bytes);
      } catch (error) {
        return new Malformed(error);
      }
    };
    return [name, { ...method, requestDeserialize }];
  });
  return Object.fromEntries(methods);
}
