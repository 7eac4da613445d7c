import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../', import.meta.url));
const buildFolder = `${root}build/bench`;
const run = promisify(execFile);

/** A contender of native/bench/core_bench.cc. */
export type CoreContender =
  | 'openssl-chunks'
  | 'openssl-whole'
  | 'chunks'
  | 'chunks-all-cores'
  | 'whole'
  | 'pair'
  | 'one-pass'
  | 'two-threads';

/** Builds the native core's own benchmark, or what changed of it. */
async function buildCoreBench(): Promise<void> {
  await run('cmake', ['-S', root, '-B', buildFolder, '-DLONGSHORE_TESTS=ON']);
  await run('cmake', ['--build', buildFolder, '--parallel', '2', '--target', 'core_bench']);
}

/**
 * Runs the contenders in turn over `mib` MiB of content, once without counting and then `rounds` times, and gives the
 * best speed of each, GB/s.
 */
export async function measureCore<Name extends CoreContender>(
  names: readonly Name[],
  { rounds, mib }: { rounds: number; mib: number },
): Promise<Record<Name, number>> {
  await buildCoreBench();
  const { stdout } = await run(`${buildFolder}/core_bench`, [
    '--rounds',
    String(rounds),
    '--mib',
    String(mib),
    ...names,
  ]).catch((cause: unknown) => {
    throw new Error('core_bench failed; its peer is OpenSSL (Debian: libssl-dev)', { cause });
  });
  const speeds = {} as Record<Name, number>;
  for (const line of stdout.trim().split('\n')) {
    const { contender, gb_per_s: speed } = JSON.parse(line) as { contender: Name; gb_per_s: number };
    speeds[contender] = speed;
  }
  return speeds;
}
