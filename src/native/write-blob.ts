import { checkBytes, checkPath } from './arguments.ts';
import { binding } from './binding.ts';
import type { Content } from './content.ts';

/**
 * Stores a small whole content durably in one job: hash, temporary file, fsync, manifest, renames, fsync of the folder.
 * A crash leaves nothing, or temporary files beside the final names, or the whole blob.
 * `content` belongs to the core until the promise settles.
 */
export function writeBlob(path: string, manifestPath: string, content: Uint8Array): Promise<Content> {
  checkPath('path', path);
  checkPath('manifestPath', manifestPath);
  checkBytes('content', content);
  return binding.writeBlob(path, manifestPath, content);
}
