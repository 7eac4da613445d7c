import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { LongshoreError } from '../errors.ts';
import type { PostgresBinaries } from './binaries.ts';

const run = promisify(execFile);

/** As whom Postgres runs: it refuses to run as root. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody`: initdb insists on a user that has a name, and this one is on every system. */
const UNPRIVILEGED: RunAs = { uid: 65534, gid: 65534 };

/** Of capabilities(7): CAP_DAC_OVERRIDE, and CAP_SETPCAP to have access(2) heed it. */
const OVERRIDE_CAPABILITIES = (1n << 1n) | (1n << 8n);

/** How long one of the small programs around Postgres may take. */
const HELPER_TIMEOUT_MS = 10_000;

/** Starts Postgres's programs as the right user and tied to our life. */
export interface Launcher {
  /** Null: as ourselves. */
  readonly runAs: RunAs | null;
  /** Postgres gets past file permissions, because a folder above the data lets only root in. */
  readonly overridesPermissions: boolean;
  /**
   * @param options.tied ends the program (SIGINT: a fast shutdown of Postgres) when our process dies, where the system can.
   * @param options.input goes to standard input; without it that is closed.
   */
  spawn(
    program: string,
    args: readonly string[],
    options: { tied: boolean; input?: string; cwd: string },
  ): ChildProcess;
}

/**
 * Whom a Postgres on `folder` runs as: nobody special when we are an ordinary user; the folder's owner, or the unprivileged
 * user for a new folder, when we are root.
 *
 * @throws LongshoreError DATABASE_UNAVAILABLE when the folder belongs to somebody that we cannot become.
 */
export async function runAsFor(folder: string): Promise<RunAs | null> {
  const own = process.geteuid?.();
  const owner = await stat(folder).then(
    ({ uid, gid }) => ({ uid, gid }),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    },
  );
  if (own === 0) return owner === null || owner.uid === 0 ? UNPRIVILEGED : owner;
  if (owner !== null && own !== undefined && owner.uid !== own) {
    throw new LongshoreError(
      'DATABASE_UNAVAILABLE',
      `The database in ${folder} belongs to user ${owner.uid} and we run as user ${own}: start longshore as the user that ` +
        'started it first (root, if that was root), choose another LONGSHORE_DATA_DIR, or set DATABASE_URL.',
    );
  }
  return null;
}

/**
 * @param cluster the data folder of Postgres, there or not yet.
 * @throws LongshoreError DATABASE_UNAVAILABLE when the user that Postgres must run as cannot reach that or its programs.
 */
export async function createLauncher(
  binaries: PostgresBinaries,
  runAs: RunAs | null,
  cluster: string,
): Promise<Launcher> {
  const setpriv = process.platform === 'linux' && (await hasSetpriv());
  const closed = runAs === null ? null : await closedFolder([cluster, binaries.postgres]);
  if (closed !== null && !(setpriv && (await mayOverridePermissions()))) {
    throw new LongshoreError(
      'DATABASE_UNAVAILABLE',
      `Postgres does not run as root, and the user that it runs as (${runAs?.uid}) cannot enter ${closed}. ` +
        'Open that folder to everybody (chmod o+x), start longshore as an ordinary user, or set DATABASE_URL.',
    );
  }
  const overridesPermissions = closed !== null;
  const env: NodeJS.ProcessEnv = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(binaries.libraryFolder === null ? {} : { LD_LIBRARY_PATH: binaries.libraryFolder }),
  };
  return {
    runAs,
    overridesPermissions,
    spawn(program, args, { tied, input, cwd }) {
      const wrapper = setpriv ? setprivArguments(runAs, overridesPermissions, tied) : [];
      const child = spawn(
        wrapper.length > 0 ? 'setpriv' : program,
        [...wrapper, ...(wrapper.length > 0 ? [program] : []), ...args],
        {
          cwd,
          env,
          // Its own process group: Ctrl-C in a terminal is ours to handle, Postgres stops after we have drained.
          detached: true,
          stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
          ...(runAs !== null && !setpriv ? runAs : {}),
        },
      );
      child.stdin?.end(input);
      return child;
    },
  };
}

function setprivArguments(runAs: RunAs | null, overridesPermissions: boolean, tied: boolean): string[] {
  const capabilities = '+dac_override';
  return [
    ...(runAs === null ? [] : ['--reuid', String(runAs.uid), '--regid', String(runAs.gid), '--clear-groups']),
    // The secure bit: Postgres asks access(2) about its own program, which else forgets the capability.
    ...(overridesPermissions
      ? ['--securebits', '+no_setuid_fixup', '--inh-caps', capabilities, '--ambient-caps', capabilities]
      : []),
    ...(tied ? ['--pdeathsig', 'INT'] : []),
    '--',
  ];
}

/** `setpriv` of util-linux before 2.33 cannot tie a child to its parent. */
async function hasSetpriv(): Promise<boolean> {
  try {
    const { stdout } = await run('setpriv', ['--help'], { timeout: HELPER_TIMEOUT_MS });
    return stdout.includes('--pdeathsig');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

/** One of the folders above the paths that not everybody can enter; null when there is none. */
async function closedFolder(paths: readonly string[]): Promise<string | null> {
  for (const start of paths) {
    for (let folder = path.dirname(start); ; folder = path.dirname(folder)) {
      if (((await stat(folder)).mode & 0o001) === 0) return folder;
      if (folder === path.dirname(folder)) break;
    }
  }
  return null;
}

/** Containers may take the capabilities away from root. */
async function mayOverridePermissions(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8');
  const sets = ['CapPrm', 'CapBnd'].map(
    (name) => new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1],
  );
  return sets.every(
    (hex) => hex !== undefined && (BigInt(`0x${hex}`) & OVERRIDE_CAPABILITIES) === OVERRIDE_CAPABILITIES,
  );
}
