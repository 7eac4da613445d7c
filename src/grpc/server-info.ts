import type { FileServiceHandlers } from '../gen/longshore/v1/FileService.ts';
import { CHUNK_BYTES } from '../native/content.ts';
import { sha256Implementation } from '../native/sha256.ts';
import type { Calls } from './calls.ts';
import { FRAME_CONTENT_BYTES_MAX } from './frame-pool.ts';
import { WRITE_CHUNK_BYTES_MAX } from './write-upload.ts';

export interface ServerInfoParts {
  version: string;
  fileBytesMax: number;
  batchBytesMax: number;
  batchItemsMax: number;
  uploadTtlMs: number;
}

/** What this server is and takes, for clients that ask before they send. */
export function serverInfoMethods(
  parts: ServerInfoParts,
  calls: Calls,
): Pick<FileServiceHandlers, 'GetServerInfo'> {
  return {
    GetServerInfo: calls.unary(async () => ({
      version: parts.version,
      features: ['resumable-uploads', 'parallel-uploads', 'deduplication', 'verification', 'batches'],
      maxReadChunkBytes: FRAME_CONTENT_BYTES_MAX,
      maxWriteChunkBytes: WRITE_CHUNK_BYTES_MAX,
      recommendedChunkBytes: CHUNK_BYTES,
      maxFileSizeBytes: parts.fileBytesMax,
      maxBatchBytes: parts.batchBytesMax,
      maxBatchItems: parts.batchItemsMax,
      partAlignBytes: CHUNK_BYTES,
      uploadTtl: { seconds: Math.floor(parts.uploadTtlMs / 1000), nanos: (parts.uploadTtlMs % 1000) * 1e6 },
      checksumAlgorithms: ['sha256', 'crc32c'],
      sha256Implementation: sha256Implementation(),
    })),
  };
}
