import { createHash } from 'node:crypto';
import type { ContentSource } from './content-source.ts';
import { openFileSource } from './file-source.ts';
import type { DigestMessage } from './messages.ts';

/** SHA-256 of a content whose bytes come in order, some of them more than once. */
export class ContentDigest {
  readonly #hash = createHash('sha256');
  #hashedTo = 0;

  /** How many bytes from the start are in. */
  get sizeBytes(): number {
    return this.#hashedTo;
  }

  /** Bytes that are in already are passed over. A gap is a mistake of the caller's. */
  add(offset: number, bytes: Uint8Array): void {
    if (offset > this.#hashedTo)
      throw new RangeError(`bytes ${this.#hashedTo} to ${offset} were never hashed`);
    const fresh = bytes.subarray(this.#hashedTo - offset);
    this.#hash.update(fresh);
    this.#hashedTo += fresh.length;
  }

  /** Of what is in so far; more can follow. */
  value(): DigestMessage {
    return { sha256: this.#hash.copy().digest('hex'), sizeBytes: this.#hashedTo };
  }
}

/** Reads `source` up to `end` (or its end) into `digest`. */
export async function hashUpTo(
  digest: ContentDigest,
  source: ContentSource,
  end: number,
  options: { readBytes: number; signal?: AbortSignal | undefined; onHashed?: (bytesDone: number) => void },
): Promise<void> {
  while (digest.sizeBytes < end) {
    options.signal?.throwIfAborted();
    const length = Math.min(options.readBytes, end - digest.sizeBytes);
    const bytes = await source.read(digest.sizeBytes, length, options.signal);
    if (bytes.length === 0) return;
    digest.add(digest.sizeBytes, bytes);
    source.giveBack(bytes);
    options.onHashed?.(digest.sizeBytes);
  }
}

/** SHA-256 and size of a file on this machine. Rejects with Node's own error where it cannot be read. */
export async function digestOfPath(
  path: string,
  options: { signal?: AbortSignal | undefined; onHashed?: (bytesDone: number) => void } = {},
): Promise<DigestMessage> {
  const source = await openFileSource(path);
  try {
    const digest = new ContentDigest();
    await hashUpTo(digest, source, source.sizeBytes, { readBytes: 1024 * 1024, ...options });
    return digest.value();
  } finally {
    await source.close();
  }
}
