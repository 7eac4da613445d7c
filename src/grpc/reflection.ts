import { readFileSync } from 'node:fs';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { SegmentReader } from './segment-reader.ts';

/** Field `file` of google.protobuf.FileDescriptorSet. */
const FILE = (1 << 3) | 2;

/**
 * gRPC reflection. proto-loader rebuilds descriptors from what it parsed, one file a package, which strict clients (buf, protobuf-go)
 * refuse; so what is shown are the compiler's own, made by `npm run build:descriptors`: of `services`, by their full names.
 */
export function reflection(services: string[]): ReflectionService {
  const set = readFileSync(new URL('../../proto/descriptors.binpb', import.meta.url));
  return new ReflectionService(definitionOf(fileDescriptors(set)), { services });
}

function fileDescriptors(set: Buffer): Buffer[] {
  const reader = new SegmentReader([set], set.length);
  const files: Buffer[] = [];
  while (reader.left > 0) {
    const tag = reader.varint();
    if (tag === FILE) files.push(Buffer.concat(reader.take(reader.varint())));
    else reader.skip(tag & 7);
  }
  return files;
}

/** Of a package definition reflection reads nothing but the descriptors, wherever they hang. */
function definitionOf(fileDescriptorProtos: Buffer[]): PackageDefinition {
  return { files: { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos } };
}
