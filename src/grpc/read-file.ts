import type { Caller } from '../access/caller.ts';
import { authorize } from '../access/authorize.ts';
import type { BlobLease, BlobStore } from '../blobs/blob-store.ts';
import { LongshoreError } from '../errors.ts';
import type { Damage } from '../files/damage.ts';
import { fieldInvalid } from '../files/field-invalid.ts';
import { fileNotFound } from '../files/file-guard.ts';
import type { FileStore } from '../files/file-store.ts';
import type { FileRecord } from '../files/file.ts';
import { parseName, parseTenantName } from '../files/names.ts';
import type { ReadCounter } from '../files/read-counter.ts';
import type { ReadFileRequest__Output } from '../gen/longshore/v1/ReadFileRequest.ts';
import type { ReadFileResponse } from '../gen/longshore/v1/ReadFileResponse.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ServerStreaming } from './calls.ts';
import { FRAME_CONTENT_BYTES_MAX, FRAME_CONTENT_BYTES_MIN, type FramePool } from './frame-pool.ts';
import type { FramedMessage } from './hot-calls.ts';
import { fromDigest, toFile } from './messages.ts';
import { sendContent } from './send-content.ts';

export interface ReadFileParts {
  files: FileStore;
  blobs: BlobStore;
  damage: Damage;
  reads: ReadCounter;
  pool: FramePool;
  metrics: Metrics;
}

const CHUNK_BYTES_DEFAULT = 2 ** 20;

/** ReadFile: header, content in frames, trailer. The straight road from the disk to the socket. */
export function readFile(
  parts: ReadFileParts,
): ServerStreaming<ReadFileRequest__Output, ReadFileResponse | FramedMessage> {
  return async (request, context, sink) => {
    const file = await findFile(parts.files, request, context.caller);
    requireEtag(file, request);
    if (file.state === 'quarantined') throw await parts.damage.refusal(file.sha256);
    const range = resolveRange(request.offset, request.limit, file.sizeBytes);
    const lease = await openBlob(parts, file.sha256);
    try {
      parts.metrics.tierReads.inc({ tier: lease.tier, result: 'hit' });
      parts.reads.count(file.tenantId, file.fileId);
      await sink.write({
        header: {
          file: toFile(file),
          range: { offset: range.offset, length: range.end - range.offset },
          totalSize: file.sizeBytes,
          servedFrom: lease.tier,
        },
      });
      const chunkBytes = chunkBytesOf(request.preferredChunkBytes);
      const crc32c = await sendContent(lease.reader, range, chunkBytes, sink, parts.pool);
      const bytes = range.end - range.offset;
      parts.metrics.servedBytes.inc({ tier: lease.tier }, bytes);
      await sink.write({
        trailer: {
          digest: { sha256: file.sha256, sizeBytes: file.sizeBytes },
          rangeCrc32c: crc32c,
          bytesSent: bytes,
        },
      });
    } catch (error) {
      throw await parts.damage.explain(file.sha256, error);
    } finally {
      lease.release();
    }
  };
}

/** Opens content for a read; when it is damaged it is set aside. Throws BLOB_CORRUPT. */
export async function openBlob(
  { blobs, damage }: { blobs: BlobStore; damage: Damage },
  sha256: string,
): Promise<BlobLease> {
  try {
    return await blobs.open(sha256);
  } catch (error) {
    throw await damage.explain(sha256, error);
  }
}

async function findFile(
  files: FileStore,
  request: ReadFileRequest__Output,
  caller: Caller,
): Promise<FileRecord> {
  if (request.target === 'file') {
    const { tenantId, id } = parseName('files', request.file ?? '', 'file');
    authorize(caller, 'read', tenantId);
    const file = await files.get(tenantId, id);
    if (file.state === 'deleted') throw fileNotFound();
    return file;
  }
  if (!request.digest) throw fieldInvalid('target', 'must be a file or a digest');
  const { sha256, sizeBytes } = fromDigest(request.digest, 'digest');
  const tenantId = parseTenantName(request.parent);
  authorize(caller, 'read', tenantId);
  const file = await files.findByDigest(tenantId, sha256);
  if (!file || (sizeBytes !== null && sizeBytes !== file.sizeBytes)) throw fileNotFound();
  return file;
}

function requireEtag(file: FileRecord, request: ReadFileRequest__Output): void {
  const { ifEtagMatch, ifEtagNotMatch } = request;
  const stale =
    (ifEtagMatch !== '' && ifEtagMatch !== file.etag) ||
    (ifEtagNotMatch !== '' && ifEtagNotMatch === file.etag);
  if (!stale) return;
  throw new LongshoreError('ETAG_MISMATCH', 'The file is not in the state that was asked for.', {
    metadata: { etag: file.etag },
  });
}

/** [offset, end) of what was asked for. A negative offset counts from the end; limit 0 is to the end. */
export function resolveRange(offset: number, limit: number, size: number): { offset: number; end: number } {
  if (!Number.isSafeInteger(offset)) throw fieldInvalid('offset', 'is not a number of bytes');
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw fieldInvalid('limit', 'must be a number of bytes from 0 on');
  if (offset > size) {
    throw new LongshoreError('RANGE_NOT_SATISFIABLE', `The file ends at ${size}, before offset ${offset}.`, {
      metadata: { size: String(size) },
    });
  }
  const start = offset < 0 ? Math.max(0, size + offset) : offset;
  return { offset: start, end: limit === 0 ? size : Math.min(size, start + limit) };
}

function chunkBytesOf(preferred: number): number {
  if (preferred < 0) throw fieldInvalid('preferred_chunk_bytes', 'must not be negative');
  if (preferred === 0) return CHUNK_BYTES_DEFAULT;
  return Math.min(Math.max(preferred, FRAME_CONTENT_BYTES_MIN), FRAME_CONTENT_BYTES_MAX);
}
