import { CHUNK_BYTES, type Content } from '../native/content.ts';
import { hashContent } from '../native/sha256.ts';

/** What a content in memory is: its digest, and that of each of its chunks. */
export async function describeContent(content: Buffer): Promise<Content> {
  const whole = await hashContent(content);
  const digests = content.length <= CHUNK_BYTES ? [whole.sha256] : await chunkDigests(content);
  const used = content.length === 0 ? [] : digests;
  return {
    sha256: whole.sha256,
    size: content.length,
    crc32c: whole.crc32c,
    chunkDigests: Buffer.concat(used.map((digest) => Buffer.from(digest, 'hex'))),
  };
}

async function chunkDigests(content: Buffer): Promise<string[]> {
  const digests: string[] = [];
  for (let at = 0; at < content.length; at += CHUNK_BYTES) {
    digests.push((await hashContent(content.subarray(at, at + CHUNK_BYTES))).sha256);
  }
  return digests;
}
