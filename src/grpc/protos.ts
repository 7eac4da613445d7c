import { fileURLToPath } from 'node:url';
import {
  loadSync,
  type AnyDefinition,
  type MessageTypeDefinition,
  type ServiceDefinition,
} from '@grpc/proto-loader';
import type { Any__Output } from '../gen/google/protobuf/Any.ts';

// From src/grpc and from dist/grpc the proto folder is two levels up.
const protoDir = fileURLToPath(new URL('../../proto', import.meta.url));

/** The public contract as loaded from `proto/`. */
const protos = loadSync(
  [
    'longshore/v1/file_service.proto',
    'google/longrunning/operations.proto',
    'google/rpc/error_details.proto',
  ],
  { includeDirs: [protoDir], longs: Number, enums: String, defaults: true, oneofs: true },
);

/** A service by its full name. */
export function serviceDefinition(name: string): ServiceDefinition {
  const found = protos[name];
  if (!found || 'format' in found) throw new Error(`proto/ holds no service ${name}`);
  return found;
}

/** A message wrapped as `google.protobuf.Any`. */
export function packAny(typeName: string, message: object): Any__Output {
  return { type_url: `type.googleapis.com/${typeName}`, value: encode(typeName, message) };
}

/** The bytes of a message by its full name. */
export function encode(typeName: string, message: object): Buffer {
  // protobufjs hands back a Buffer in Node, typed as the Uint8Array that it also is.
  return Buffer.from(messageType(typeName).serialize(message));
}

/** A message from its bytes, by its full name. */
export function decode(typeName: string, bytes: Buffer): object {
  return messageType(typeName).deserialize(bytes);
}

function messageType(typeName: string): MessageTypeDefinition<object, object> {
  const found = protos[typeName];
  if (!found || !isMessage(found)) throw new Error(`proto/ holds no message ${typeName}`);
  return found;
}

function isMessage(definition: AnyDefinition): definition is MessageTypeDefinition<object, object> {
  return 'format' in definition && 'serialize' in definition;
}
