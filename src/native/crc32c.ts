import { checkByteCount, checkBytes, checkCrc32c } from './arguments.ts';
import { binding } from './binding.ts';

/** CRC32C of `content`, taking up `seed`, the CRC of what came before it. On the caller's thread: for small contents. */
export function crc32c(content: Uint8Array, seed = 0): number {
  checkBytes('content', content);
  checkCrc32c(seed);
  return binding.crc32c(content, seed);
}

/** CRC32C of two contents put together, from the CRC of each and the length of the second. */
export function crc32cCombine(first: number, second: number, secondBytes: number): number {
  checkCrc32c(first);
  checkCrc32c(second);
  checkByteCount('secondBytes', secondBytes);
  return binding.crc32cCombine(first, second, secondBytes);
}
