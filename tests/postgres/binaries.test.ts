import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdtemp, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { findPostgresBinaries, nameLibraries } from '../../src/postgres/binaries.ts';

const run = promisify(execFile);
const NOBODY = 65534;
const base = await mkdtemp(path.join(tmpdir(), 'longshore-binaries-'));
await chmod(base, 0o755);
afterAll(() => rm(base, { recursive: true }));

const { postgres } = await findPostgresBinaries(path.join(base, 'libraries'));
const installed = path.resolve(path.dirname(postgres), '..', '..');

/** The package as npm 12 unpacks it: no script has run, so no library has its second name. */
let root = '';
let program = '';
beforeEach(async () => {
  root = await mkdtemp(path.join(base, 'package-'));
  await chmod(root, 0o755);
  await cp(path.join(installed, 'native'), path.join(root, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: async (file) =>
      !(await lstat(file)).isSymbolicLink() && !file.endsWith(path.join('native', 'share')),
  });
  program = path.join(root, 'native', 'bin', 'postgres');
});

/** Postgres's version, from a program that the system's loader could start. */
async function version(libraryFolder: string | null): Promise<string> {
  const env = libraryFolder === null ? {} : { LD_LIBRARY_PATH: libraryFolder };
  return (await run(program, ['--version'], { env })).stdout;
}

/** As somebody who may not write to the package. */
async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
  const own = process.geteuid?.() ?? 0;
  if (own !== 0) {
    const libraries = path.join(root, 'native', 'lib');
    await chmod(libraries, 0o555);
    try {
      return await work();
    } finally {
      await chmod(libraries, 0o755);
    }
  }
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(own);
  }
}

describe('the libraries of the embedded Postgres', () => {
  it('get their names beside themselves, however often they are asked for', async () => {
    await expect(version(null)).rejects.toThrow(/shared librar/);
    expect(await nameLibraries(root, path.join(root, 'unused'))).toBeNull();
    expect(await version(null)).toContain('PostgreSQL');
    expect(await nameLibraries(root, path.join(root, 'unused'))).toBeNull();
    expect(await asOrdinaryUser(() => nameLibraries(root, path.join(root, 'unused')))).toBeNull();
  });

  it('get them elsewhere when the package may not be written to, anew after it has moved', async () => {
    const fallback = await mkdtemp(path.join(base, 'fallback-'));
    await chmod(fallback, 0o777);
    const names = path.join(fallback, 'names');
    expect(await asOrdinaryUser(() => nameLibraries(root, names))).toBe(names);
    expect(await version(names)).toContain('PostgreSQL');

    const before = root;
    root = path.join(base, 'moved');
    await cp(before, root, { recursive: true });
    program = path.join(root, 'native', 'bin', 'postgres');
    await rm(before, { recursive: true });
    await asOrdinaryUser(() => nameLibraries(root, names));
    expect(await readlink(path.join(names, 'libicudata.so.60'))).toContain(root);
    expect(await version(names)).toContain('PostgreSQL');
  });
});
