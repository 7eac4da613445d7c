// `npm test`: the TypeScript suite, then the native core's under ctest, and one closing line for both.
// `npm test -- tests/files` runs those tests alone, `npm test -- --quick` what needs neither minutes nor the native build's
// own tests, `npm run test:languages` the clients in other languages.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, languages: { type: 'boolean', default: false } },
});
const isWhole = files.length === 0 && !options.quick && !options.languages;

function run(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

/** Says of each skipped test why. A run that fails for another reason than a test counts as one failure. */
async function typescriptTests(): Promise<Count> {
  const vitest = await startVitest('test', files, {
    run: true,
    root,
    ...(options.quick ? { exclude: ['tests/e2e/**', 'tests/themes/**', 'tests/languages/**'] } : {}),
    ...(options.languages ? { config: 'vitest.languages.config.ts' } : {}),
  });
  const count: Count = { passed: 0, failed: 0, skipped: 0 };
  for (const module of vitest.state.getTestModules()) {
    for (const test of module.children.allTests()) {
      const result = test.result();
      count[result.state === 'pending' ? 'failed' : result.state] += 1;
      if (result.state !== 'skipped') continue;
      const why = result.note ?? 'no reason given';
      process.stdout.write(`skipped: ${module.relativeModuleId} > ${test.fullName}: ${why}\n`);
    }
  }
  await vitest.close();
  const isFailed = process.exitCode !== undefined && process.exitCode !== 0;
  if (count.failed === 0 && isFailed) count.failed = 1;
  return count;
}

/** Builds the native tests and runs them; a build that fails is one failure. */
function nativeTests(): Count {
  const build = path.join('build', 'tests');
  const results = mkdtempSync(path.join(tmpdir(), 'longshore-ctest-'));
  try {
    const isBuilt =
      run('cmake', '-S', '.', '-B', build, '-DLONGSHORE_TESTS=ON', '--log-level=WARNING') &&
      run('cmake', '--build', build, '--parallel', String(cpus().length));
    if (!isBuilt) return { passed: 0, failed: 1, skipped: 0 };
    const report = path.join(results, 'report.xml');
    run('ctest', '--test-dir', build, '--output-on-failure', '--output-junit', report);
    const suite = /<testsuite[^>]*>/.exec(readFileSync(report, 'utf8'))?.[0] ?? '';
    const number = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = number('failures');
    const skipped = number('skipped') + number('disabled');
    return { passed: number('tests') - failed - skipped, failed, skipped };
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

process.env['NODE_ENV'] ??= 'test';
if (!run(process.execPath, 'build.mjs')) process.exit(1);
const counts = [await typescriptTests(), ...(isWhole ? [nativeTests()] : [])];
const sum = (which: keyof Count) => counts.reduce((total, count) => total + count[which], 0);
process.stdout.write(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped\n`);
process.exit(sum('failed') === 0 && sum('passed') > 0 ? 0 : 1);
