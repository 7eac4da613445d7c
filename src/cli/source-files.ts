import { lstat, readdir, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { basename, join, resolve, sep } from 'node:path';

/** A file to upload and what it will be called, or a path that cannot be uploaded and why. */
export type SourceFile =
  | { readonly kind: 'file'; readonly path: string; readonly name: string; readonly sizeBytes: number }
  | { readonly kind: 'refused'; readonly path: string; readonly why: string };

/** Folders within folders; deeper is more likely a loop than somebody's files. */
const DEPTH_MAX = 100;

/**
 * Every file under the given paths, in the order of their names. A file is called by its last part, those in a folder by
 * the folder's last part and their place in it (`photos/2026/a.jpg`); for `.`, by their place alone. Symlinks are
 * followed only with `follow`; what is neither file nor folder never is.
 */
export async function* sourceFiles(
  paths: readonly string[],
  options: { follow: boolean; prefix: string },
): AsyncGenerator<SourceFile, void, undefined> {
  for (const path of paths) {
    const last = basename(resolve(path));
    // "." and ".." name no folder that anybody would want to see in a file's name.
    const anonymous = /^(\.{1,2}[/\\]?)+$/.test(path) || last === '';
    yield* walk(path, anonymous ? '' : last, options.prefix, options.follow, []);
  }
}

async function* walk(
  path: string,
  name: string,
  prefix: string,
  follow: boolean,
  /** Device and inode of the folders above. */
  above: readonly string[],
): AsyncGenerator<SourceFile, void, undefined> {
  const stats = await statOf(path, follow);
  if (typeof stats === 'string') {
    yield { kind: 'refused', path, why: stats };
    return;
  }
  if (stats.isFile()) {
    yield { kind: 'file', path, name: prefix + name, sizeBytes: stats.size };
    return;
  }
  const here = `${stats.dev}:${stats.ino}`;
  if (above.includes(here) || above.length >= DEPTH_MAX) {
    yield { kind: 'refused', path, why: 'is a folder that contains itself' };
    return;
  }
  let entries: string[];
  try {
    entries = (await readdir(path)).sort();
  } catch (error) {
    yield { kind: 'refused', path, why: `is a folder that cannot be read (${message(error)})` };
    return;
  }
  for (const entry of entries) {
    const entryName = name === '' ? entry : `${name}/${entry}`;
    yield* walk(join(path, entry), entryName, prefix, follow, [...above, here]);
  }
}

/** A file's or folder's stats, or why it is neither. */
async function statOf(path: string, follow: boolean): Promise<Stats | string> {
  try {
    // A trailing separator would make lstat look through a symlink.
    const trimmed = path.length > 1 && path.endsWith(sep) ? path.slice(0, -1) : path;
    const stats = follow ? await stat(path) : await lstat(trimmed);
    if (stats.isFile() || stats.isDirectory()) return stats;
    if (stats.isSymbolicLink()) return 'is a symlink; --follow uploads what it points to';
    return `is ${special(stats)}, not a file`;
  } catch (error) {
    return message(error);
  }
}

function special(stats: Stats): string {
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

function message(error: unknown): string {
  if (error instanceof Error && 'code' in error) {
    if (error.code === 'ENOENT') return 'is not there';
    if (error.code === 'EACCES') return 'may not be read by this user';
    if (error.code === 'ELOOP') return 'is a symlink that leads round in a circle';
  }
  return error instanceof Error ? error.message : String(error);
}
