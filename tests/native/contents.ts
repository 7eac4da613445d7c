import { createHash } from 'node:crypto';
import type { Content } from '../../src/native/content.ts';
import { crc32c } from '../../src/native/crc32c.ts';
import type { PartFile } from '../../src/native/part-file.ts';

export const MiB = 1 << 20;

/** Bytes that look random and are the same each time. Not periodic, so that swapped blocks show. */
export function sampleBytes(bytes: number, seed = 1): Buffer {
  const content = Buffer.allocUnsafe(bytes);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let i = 0; i < bytes; i += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    content[i] = state & 0xff;
  }
  return content;
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** What the core must say of a content, made by node:crypto one chunk at a time. */
export function expectedContent(content: Buffer): Content {
  const digests = [];
  for (let offset = 0; offset < content.length; offset += MiB) {
    digests.push(
      createHash('sha256')
        .update(content.subarray(offset, offset + MiB))
        .digest(),
    );
  }
  return {
    sha256: sha256(content),
    size: content.length,
    crc32c: crc32c(content),
    chunkDigests: Buffer.concat(digests),
  };
}

/** Writes [from, to) of the content in order, in pieces, several at once, each with its CRC. */
export async function writeRange(
  file: PartFile,
  content: Buffer,
  from: number,
  to: number,
  pieceBytes = MiB,
): Promise<void> {
  const writes = [];
  for (let offset = from; offset < to; offset += pieceBytes) {
    const piece = content.subarray(offset, Math.min(to, offset + pieceBytes));
    writes.push(file.write(offset, [piece], crc32c(piece)));
  }
  await Promise.all(writes);
}

/** The error that a promise ends in; fails when it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error as Error & Record<string, unknown>;
  }
  throw new Error('this was expected to fail');
}
