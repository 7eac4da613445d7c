import { fileURLToPath } from 'node:url';
import type { MethodDefinition } from '@grpc/grpc-js';
import { loadSync, type AnyDefinition, type MessageTypeDefinition } from '@grpc/proto-loader';
import type { AnyMessage } from './messages.ts';

/** The contract lies beside `src/` and beside `dist/`: two folders up from either. */
const PROTO_FOLDER = fileURLToPath(new URL('../../proto/', import.meta.url));

const definitions = loadSync(
  [
    'longshore/v1/file_service.proto',
    'google/longrunning/operations.proto',
    'google/rpc/error_details.proto',
    'google/rpc/status.proto',
  ],
  { includeDirs: [PROTO_FOLDER], longs: Number, enums: String, defaults: true, oneofs: true },
);

/** How one method is called: its path, and how its messages become bytes and back. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly serialize: (request: Request) => Buffer;
  readonly deserialize: (bytes: Buffer) => Response;
}

/**
 * The method with this full name (`package.Service/Method`). The types are the caller's claim: those in `messages.ts`
 * follow the proto, and the tests against a real server hold them to it.
 */
export function method<Request extends object, Response extends object>(
  fullName: string,
): Method<Request, Response> {
  const [service = '', name = ''] = fullName.split('/');
  const definition = definitions[service];
  if (definition === undefined || 'format' in definition)
    throw new Error(`no service ${service} in the contract`);
  const found: MethodDefinition<object, object> | undefined = definition[name];
  if (found === undefined) throw new Error(`no method ${fullName} in the contract`);
  return {
    path: found.path,
    serialize: found.requestSerialize,
    deserialize: found.responseDeserialize as (bytes: Buffer) => Response,
  };
}

/** The message of this full name (`google.rpc.Status`) in these bytes. Throws where they are not one. */
export function decode<Message extends object>(messageName: string, bytes: Buffer): Message {
  const definition = definitions[messageName];
  if (definition === undefined || !isMessage(definition)) {
    throw new Error(`no message ${messageName} in the contract`);
  }
  return definition.deserialize(bytes) as Message;
}

/** The message inside an Any when it is of this type, or undefined. */
export function unpack<Message extends object>(messageName: string, any: AnyMessage): Message | undefined {
  if (any.type_url.slice(any.type_url.lastIndexOf('/') + 1) !== messageName) return undefined;
  return decode<Message>(messageName, any.value);
}

function isMessage(definition: AnyDefinition): definition is MessageTypeDefinition<object, object> {
  return 'deserialize' in definition && typeof definition.deserialize === 'function';
}
