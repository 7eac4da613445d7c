import { fileURLToPath } from 'node:url';
import type { MethodDefinition } from '@grpc/grpc-js';
import {
  loadSync,
  type AnyDefinition,
  type MessageTypeDefinition,
  type PackageDefinition,
} from '@grpc/proto-loader';
import type { AnyMessage, Methods } from './messages.ts';

/** The contract lies beside `src/` and beside `dist/`: two folders up from either. */
const PROTO_FOLDER = fileURLToPath(new URL('../../proto/', import.meta.url));

let loaded: PackageDefinition | undefined;

/** Read when first needed: `longshore --help` has no use for it. */
function contract(): PackageDefinition {
  loaded ??= loadSync(
    [
      'longshore/v1/file_service.proto',
      'google/longrunning/operations.proto',
      'google/rpc/error_details.proto',
      'google/rpc/status.proto',
    ],
    { includeDirs: [PROTO_FOLDER], longs: Number, enums: String, defaults: true, oneofs: true },
  );
  return loaded;
}

/** How one method is called: its path, and how its messages become bytes and back. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly serialize: (request: Request) => Buffer;
  readonly deserialize: (bytes: Buffer) => Response;
}

/** The method of this name. Its types are those that were generated from the same contract with the same options. */
export function method<Name extends keyof Methods>(
  name: Name,
): Method<Methods[Name]['request'], Methods[Name]['response']> {
  for (const service of ['longshore.v1.FileService', 'google.longrunning.Operations']) {
    const definition = contract()[service];
    if (definition === undefined || 'format' in definition) continue;
    const found: MethodDefinition<object, object> | undefined = definition[name];
    if (found === undefined) continue;
    return {
      path: found.path,
      serialize: found.requestSerialize,
      deserialize: found.responseDeserialize,
    };
  }
  throw new Error(`The contract has no method ${name}.`);
}

/** The message of this full name (`google.rpc.Status`) in these bytes. Throws where they are not one. */
export function decode<Message extends object>(messageName: string, bytes: Buffer): Message {
  const definition = contract()[messageName];
  if (definition === undefined || !isMessage(definition)) {
    throw new Error(`The contract has no message ${messageName}.`);
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
