// `npm run check`: everything that is checked without running Longshore. Each check says one line, and what it found.
// `npm run check -- imports format` runs those alone.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

/** What a check found, empty when all is well; null when it cannot be run here, which `reason` explains. */
type Outcome = { found: string } | { found: null; reason: string };

const root = fileURLToPath(new URL('..', import.meta.url));
const contract = path.join(root, '..', 'shared', 'api');
const clangTools = 'apt-get install clang-format clang-tidy';

interface Output {
  status: number | null;
  stdout: string;
  all: string;
}

function run(program: string, ...args: string[]): Output {
  const local = path.join(root, 'node_modules', '.bin', program);
  const { status, stdout, stderr, error } = spawnSync(existsSync(local) ? local : program, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return { status, stdout: stdout ?? '', all: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}` };
}

function check(program: string, ...args: string[]): Outcome {
  const { status, all } = run(program, ...args);
  return { found: status === 0 ? '' : all || `${program} ended with ${status}` };
}

/** Files of the repository, and new ones that it does not ignore. */
function files(...patterns: string[]): string[] {
  const listed = run(
    'git',
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    ...patterns,
  );
  return listed.stdout.split('\0').filter((name) => name !== '' && existsSync(path.join(root, name)));
}

function imports(): Outcome {
  const { stdout, all } = run('depcruise', '--config', 'tests/imports.cjs', '--output-type', 'json', 'src');
  if (!stdout.startsWith('{')) return { found: all };
  const { modules, summary } = JSON.parse(stdout) as {
    modules: { source: string }[];
    summary: { violations: { rule: { name: string }; from: string; to: string }[] };
  };
  const seen = new Set(modules.map(({ source }) => source));
  const source = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const unseen = source
    .map((name) => `src/${name}`)
    .filter((name) => name.endsWith('.ts') && !seen.has(name));
  // An importer that the compiler's version keeps from reading the sources finds nothing wrong with any.
  return {
    found: [
      ...unseen.map((name) => `${name} was not looked at`),
      ...summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`),
    ].join('\n'),
  };
}

/** Against the contract beside the checkout where there is one, else against the one that the project began with. */
function protoBreaking(): Outcome {
  const against = mkdtempSync(path.join(tmpdir(), 'longshore-contract-'));
  try {
    if (existsSync(contract)) {
      cpSync(path.join(contract, 'longshore'), path.join(against, 'longshore'), { recursive: true });
      cpSync(path.join(root, 'proto', 'google'), path.join(against, 'google'), { recursive: true });
    } else {
      const first = run('git', 'rev-list', '--max-parents=0', 'HEAD').stdout.trim();
      const archive = path.join(against, 'contract.tar');
      const taken = run('git', 'archive', `--output=${archive}`, `${first}:proto`);
      if (taken.status !== 0) return { found: taken.all };
      const unpacked = run('tar', '-xf', archive, '-C', against);
      if (unpacked.status !== 0) return { found: unpacked.all };
    }
    return check('buf', 'breaking', 'proto', '--against', against);
  } finally {
    rmSync(against, { recursive: true, force: true });
  }
}

/** What reflection shows is what the protos say. */
function descriptors(): Outcome {
  const folder = mkdtempSync(path.join(tmpdir(), 'longshore-descriptors-'));
  try {
    const fresh = path.join(folder, 'descriptors.binpb');
    const made = run(
      'buf',
      'build',
      'proto',
      '--as-file-descriptor-set',
      '--exclude-source-info',
      '-o',
      fresh,
    );
    if (made.status !== 0) return { found: made.all };
    const isSame = readFileSync(fresh).equals(readFileSync(path.join(root, 'proto', 'descriptors.binpb')));
    return { found: isSame ? '' : 'proto/descriptors.binpb is old: npm run build:descriptors' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isInstalled(program: string): boolean {
  return run(program, '--version').status === 0;
}

function clangFormat(): Outcome {
  if (!isInstalled('clang-format')) return { found: null, reason: `clang-format is missing: ${clangTools}` };
  return check('clang-format', '--dry-run', '-Werror', ...files('*.cc', '*.h'));
}

function clangTidy(): Outcome {
  if (!isInstalled('clang-tidy')) return { found: null, reason: `clang-tidy is missing: ${clangTools}` };
  const build = path.join('build', 'tests');
  const configured = run('cmake', '-S', '.', '-B', build, '-DLONGSHORE_TESTS=ON');
  if (configured.status !== 0) return { found: configured.all };
  const known = JSON.parse(readFileSync(path.join(root, build, 'compile_commands.json'), 'utf8')) as {
    file: string;
  }[];
  const jobs = String(cpus().length);
  const names = known.map(({ file }) => file).filter((file) => !file.includes('armv8'));
  const { status, stdout, all } = run('run-clang-tidy', '-quiet', '-j', jobs, '-p', build, ...names);
  if (status === 0) return { found: '' };
  const findings = stripVTControlCharacters(stdout)
    .split('\n')
    .filter((line) => !/^clang-tidy\S* /.test(line));
  return { found: stdout === '' ? all : findings.join('\n') };
}

const checks: Record<string, () => Outcome> = {
  types: () => check('tsc', '--noEmit'),
  lint: () => check('oxlint', '--type-aware', '--deny-warnings', '--format=unix'),
  format: () => check('prettier', '--check', '--log-level', 'warn', '.'),
  imports,
  'dead-code': () => check('knip', '--no-progress'),
  'proto-lint': () => check('buf', 'lint', 'proto'),
  'proto-breaking': protoBreaking,
  descriptors,
  'clang-format': clangFormat,
  'clang-tidy': clangTidy,
};

const wanted = process.argv.slice(2);
const count = { passed: 0, failed: 0, skipped: 0 };
for (const name of wanted.length === 0 ? Object.keys(checks) : wanted) {
  const begin = performance.now();
  const outcome = checks[name]?.() ?? { found: `there is no such check: ${Object.keys(checks).join(' ')}` };
  const state = outcome.found === null ? 'skipped' : outcome.found === '' ? 'passed' : 'failed';
  count[state] += 1;
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  process.stdout.write(`${state.padEnd(7)} ${name} (${seconds} s)\n`);
  const text = outcome.found ?? `SKIPPED: ${outcome.reason}`;
  if (text !== '') process.stdout.write(`${text.trimEnd().replaceAll(/^/gm, '  ')}\n`);
}
process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
process.exit(count.failed === 0 ? 0 : 1);
