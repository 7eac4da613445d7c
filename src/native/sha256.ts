import { checkBytes } from './arguments.ts';
import { binding } from './binding.ts';

/** SHA-256 (hex) and CRC32C of a content in memory, off the event loop. It belongs to the core until the promise settles. */
export function hashContent(content: Uint8Array): Promise<{ sha256: string; crc32c: number }> {
  checkBytes('content', content);
  return binding.hashContent(content);
}

/** The implementation in use: "avx512", "shani", "armv8" or "portable". */
export function sha256Implementation(): string {
  return binding.sha256Implementation();
}

/** Uses this implementation from now on, in the whole process. @throws RangeError when this machine or build does not have it */
export function forceSha256(name: string): void {
  if (!binding.forceSha256(name)) {
    throw new RangeError(`force SHA-256 implementation ${JSON.stringify(name)}: not available here`);
  }
}
