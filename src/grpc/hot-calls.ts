import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { SegmentDecoder } from './segment-decoder.ts';

/** A message that already carries its gRPC prefix: `frame.subarray(start, end)` goes to the socket as it is. */
export class FramedMessage {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** What grpc-js keeps to itself in a call, as of 1.14. Without it every call is refused. */
interface CallInternals {
  decoder: { write(data: Buffer): unknown[] };
  serializeMessage(value: unknown): Buffer;
}

/**
 * Lets content pass grpc-js without a copy, for the methods named:
 * received messages stay in the pieces that the socket delivered (grpc-js joins them first), and a `FramedMessage` is sent as
 * it is (grpc-js allocates a new buffer for each message and copies it in: three quarters of the cost of a read).
 */
export function hotCalls(
  paths: { receive: ReadonlySet<string>; send: ReadonlySet<string> },
  messageBytesMax: number,
): ServerInterceptor {
  return (method, call) => {
    const internals: object = call;
    if (!hasInternals(internals)) throw new Error(CHANGED);
    if (paths.receive.has(method.path)) internals.decoder = new SegmentDecoder(messageBytesMax);
    if (paths.send.has(method.path)) {
      const serializeMessage = internals.serializeMessage.bind(call);
      internals.serializeMessage = (value) =>
        value instanceof FramedMessage ? value.bytes : serializeMessage(value);
    }
    return new ServerInterceptingCall(call);
  };
}

const CHANGED = 'this grpc-js frames messages in another way: pin the version in package.json';

function hasInternals(call: object): call is CallInternals {
  return 'decoder' in call && 'serializeMessage' in call && typeof call.serializeMessage === 'function';
}
