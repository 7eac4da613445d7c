import { isAbsolute, join } from 'node:path';

/**
 * Where a file of this display name goes under `folder`. The name comes from elsewhere, so that nothing of it may lead
 * out of the folder: throws with a sentence where it would, or where it is no name for a file at all.
 */
export function localPath(folder: string, displayName: string, separator = '/'): string {
  const parts = displayName.split('/');
  const bad =
    displayName === '' ||
    isAbsolute(displayName) ||
    displayName.includes('\0') ||
    (separator === '\\' && /[\\:]/.test(displayName)) ||
    parts.some((part) => part === '' || part === '.' || part === '..');
  if (bad)
    throw new Error(`The name "${displayName}" does not stay within a folder; give a path with --output.`);
  return join(folder, ...parts);
}
