import { createHash } from 'node:crypto';
import type { RequestStore } from '../operations/request-store.ts';
import { fieldInvalid } from '../files/field-invalid.ts';
import { decode, encode } from './protos.ts';

/** `requestId` itself; empty is none. Throws FIELD_INVALID. A UUID is meant (AIP-155), but any short text does. */
export function checkRequestId(requestId: string): string {
  if (/^[\x21-\x7e]{0,128}$/.test(requestId)) return requestId;
  throw fieldInvalid('request_id', 'is up to 128 characters of ASCII without spaces');
}

/** What makes a request repeatable (AIP-155). An empty request id makes it run each time. */
export interface RepeatableRequest {
  method: string;
  tenantId: string;
  requestId: string;
  /** The request itself: another one under the same id is refused. */
  message: object;
  /** Full name of the request's type. */
  type: string;
  /** Full name of the answer's type. */
  answer: string;
}

/**
 * Runs `act` once for a request id, and gives the same answer again to whoever repeats the request; a repeat waits for the
 * first one until `signal` fires.
 */
export async function once<T extends object>(
  requests: RequestStore,
  { method, tenantId, requestId, message, type, answer }: RepeatableRequest,
  signal: AbortSignal,
  act: () => Promise<T>,
): Promise<T | object> {
  if (checkRequestId(requestId) === '') return act();
  const fingerprint = createHash('sha256').update(encode(type, message)).digest('hex');
  const codec = {
    encode: (value: T | object) => encode(answer, value).toString('base64'),
    decode: (stored: unknown) => decode(answer, Buffer.from(String(stored), 'base64')),
  };
  return requests.once<T | object>({ tenantId, requestId, method, fingerprint }, act, codec, signal);
}
