import { checkPath } from './arguments.ts';
import { binding } from './binding.ts';

/** What a blob's manifest says (docs/formats.md, Manifest). */
export interface Manifest {
  readonly size: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
  /** CRC32C of the whole content. */
  readonly crc32c: number;
  /** Bytes of a chunk and of a block; the last of each may be short. */
  readonly chunkBytes: number;
  readonly blockBytes: number;
  /** 32 bytes per chunk. */
  readonly chunkDigests: Buffer;
  /** CRC32C per block, 4 bytes each, little-endian. */
  readonly blockCrcs: Buffer;
}

/** @throws MANIFEST_INVALID, ENOENT */
export function readManifest(path: string): Promise<Manifest> {
  checkPath('path', path);
  return binding.readManifest(path);
}
