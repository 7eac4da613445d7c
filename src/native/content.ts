/** Content is hashed in chunks of this size; the last may be short. */
export const CHUNK_BYTES = 2 ** 20;

/** What a finished content is, as hashed on the way in. */
export interface Content {
  /** SHA-256 of the whole content, 64 lower-case hex digits. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** CRC32C of the whole content. */
  readonly crc32c: number;
  /** SHA-256 of each 1 MiB chunk, 32 bytes each, in order; the last chunk may be short. */
  readonly chunkDigests: Buffer;
}
