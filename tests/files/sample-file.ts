import { createHash } from 'node:crypto';
import type { StoredContent } from '../../src/files/file-store.ts';
import type { FileSpec } from '../../src/files/file.ts';

export function specOf(fileId: string, changes: Partial<FileSpec> = {}): FileSpec {
  return {
    fileId,
    displayName: `${fileId}.txt`,
    mediaType: 'text/plain',
    labels: {},
    metadata: {},
    region: '',
    expireTime: null,
    retainUntilTime: null,
    ...changes,
  };
}

/** Content as the store wants to hear of it; the same text is the same content. */
export function contentOf(text: string): StoredContent {
  const digest = createHash('sha256').update(text).digest();
  return {
    sha256: digest.toString('hex'),
    sizeBytes: Buffer.byteLength(text),
    crc32c: 7,
    chunkDigests: digest,
  };
}

/** The bytes of blobs, as far as a store of records needs them: which digests are there. */
export class PlacedBytes {
  readonly digests = new Set<string>();

  place(sha256: string): () => Promise<{ existed: boolean }> {
    return async () => {
      const existed = this.digests.has(sha256);
      this.digests.add(sha256);
      return { existed };
    };
  }

  readonly remove = async (sha256: string): Promise<void> => {
    this.digests.delete(sha256);
  };
}
