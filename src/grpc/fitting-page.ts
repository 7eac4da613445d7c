import type { FileRecord } from '../files/file.ts';
import { cursorOf, type Order, type PageCursor } from '../files/page.ts';
import { encode } from './protos.ts';
import { toStruct } from './struct.ts';

/** What clients take in one message unless they say otherwise is 4 MiB (grpc.max_receive_message_length). */
const PAGE_BYTES_MAX = 3 * 2 ** 20;
/** Names, times and the rest of a file's fields of bounded length; and of a label. */
const FIXED_BYTES = 1024;
const LABEL_BYTES = 8;

interface Page {
  readonly files: FileRecord[];
  readonly next: PageCursor | null;
}

/** As much of a page as fits into one message, at least one file; the next page goes on behind it. */
export function fittingPage({ files, next }: Page, order: Order): Page {
  let bytes = 0;
  const end = files.findIndex((file, index) => (bytes += bytesOf(file)) > PAGE_BYTES_MAX && index > 0);
  if (end < 0) return { files, next };
  const last = files[end - 1];
  return { files: files.slice(0, end), next: last ? cursorOf(order, last) : next };
}

/** What a file takes in a message at the most. Metadata may be several times as long there as it is as JSON. */
function bytesOf({ displayName, labels, metadata }: FileRecord): number {
  let bytes = FIXED_BYTES + Buffer.byteLength(displayName);
  for (const [key, value] of Object.entries(labels)) {
    bytes += LABEL_BYTES + Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (Object.keys(metadata).length === 0) return bytes;
  return bytes + encode('google.protobuf.Struct', toStruct(metadata)).length;
}
