import { createHash } from 'node:crypto';
import type { RequestStore } from '../operations/request-store.ts';
import { decode, encode } from './protos.ts';

/** What makes a request repeatable (AIP-155). An empty request id makes it run each time. */
export interface RepeatableRequest {
  method: string;
  tenantId: string;
  requestId: string;
  /** The request itself: another one under the same id is refused. */
  message: object;
  /** Full name of the answer's type. */
  answer: string;
}

/** Runs `act` once for a request id, and gives the same answer again to whoever repeats the request. */
export function once<T extends object>(
  requests: RequestStore,
  { method, tenantId, requestId, message, answer }: RepeatableRequest,
  act: () => Promise<T>,
): Promise<T | object> {
  const fingerprint = createHash('sha256').update(JSON.stringify(message)).digest('hex');
  return requests.once<T | object>({ tenantId, requestId, method, fingerprint }, act, {
    encode: (value) => encode(answer, value).toString('base64'),
    decode: (stored) => decode(answer, Buffer.from(String(stored), 'base64')),
  });
}
