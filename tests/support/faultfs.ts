import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const source = path.join(root, 'tests/native/faultfs.cc');
const library = path.join(root, 'build/tests/faultfs.so');

export interface Faults {
  /** Only calls on files below this folder count. Absolute, and not a symbolic link. */
  readonly under: string;
  /** Rules as tests/native/faultfs.cc describes them: `fdatasync:2:EIO,any:7:KILL`. */
  readonly faults?: string;
  /** A file with rules that may change while the process runs. */
  readonly plan?: string;
  /** A file that gets one line for each counted call. */
  readonly log?: string;
}

/** Why file calls cannot be made to fail here; null when they can. */
export const faultfsMissing: string | null =
  process.platform === 'linux' ? null : 'LD_PRELOAD faults need Linux (glibc)';

/** The environment that makes a child process fail its file calls; the library is built when it is not there. */
export function faultfs(faults: Faults): Record<string, string> {
  if (!existsSync(library) || statSync(library).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(path.dirname(library), { recursive: true });
    const built = `${library}.${process.pid}`;
    execFileSync(process.env['CXX'] ?? 'c++', [
      '-std=c++17',
      '-O1',
      '-shared',
      '-fPIC',
      '-o',
      built,
      source,
      '-ldl',
    ]);
    renameSync(built, library);
  }
  return {
    LD_PRELOAD: library,
    FAULTFS_UNDER: faults.under,
    FAULTFS_FAULTS: faults.faults ?? '',
    FAULTFS_PLAN: faults.plan ?? '',
    FAULTFS_LOG: faults.log ?? '',
  };
}
