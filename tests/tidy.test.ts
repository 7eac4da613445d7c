// What no linter knows of this repository.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { settingsTable } from '../src/config.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((name) => name !== '' && existsSync(path.join(root, name)));

const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const below = (folder: string, ...endings: string[]): string[] =>
  files.filter((name) => name.startsWith(`${folder}/`) && endings.some((ending) => name.endsWith(ending)));

/** Each match as `file:line text`, so that a failure says where to go. */
function found(names: string[], what: RegExp): string[] {
  return names.flatMap((name) =>
    read(name)
      .split('\n')
      .flatMap((line, i) => (what.test(line) ? [`${name}:${i + 1} ${line.trim()}`] : [])),
  );
}

const source = below('src', '.ts');
const code = files.filter((name) => /\.(ts|mjs|cjs|cc|h|proto|sql|sh|go|py|txt)$/.test(name));
const pages = files.filter((name) => name.endsWith('.md'));

describe('files', () => {
  test('are named after what they hold, not after being useful', () => {
    const useful = /(^|[/_.-])(utils?|helpers?|common|misc|shared|managers?|impl)(?=[/_.-]|$)/i;
    expect(files.filter((name) => useful.test(name))).toEqual([]);
  });

  test('of src and native hold no more than 400 lines', () => {
    const long = [...source, ...below('native', '.cc', '.h')].filter(
      (name) => read(name).split('\n').length > 401,
    );
    expect(long).toEqual([]);
  });

  test('of src stand at most one folder deep', () => {
    expect(source.filter((name) => name.split('/').length > 3)).toEqual([]);
  });

  test('leave nothing marked to do later', () => {
    expect(found(code, /\b(T[O]DO|FIX[M]E|X[X]X|HA[C]K)\b/)).toEqual([]);
  });
});

describe('one door', () => {
  test('the environment is read in two files', () => {
    const doors = ['src/config.ts', 'src/cli/environment.ts'];
    const others = source.filter((name) => !doors.includes(name));
    expect(found(others, /process\.env|from 'node:process'/)).toEqual([]);
  });

  test('only the command line writes to a console', () => {
    expect(
      found(
        source.filter((name) => !name.startsWith('src/cli/')),
        /\bconsole\./,
      ),
    ).toEqual([]);
  });

  test('the time of day and chance come in as arguments', () => {
    const doors = [
      'src/clock.ts',
      'src/client/surroundings.ts',
      'src/cli/commands.ts',
      'src/telemetry/log.ts',
    ];
    const others = source.filter((name) => !doors.includes(name));
    expect(found(others, /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/)).toEqual([]);
  });
});

describe('numbers', () => {
  const numbered = (folder: string, ending: string): string[] =>
    below(folder, ending).map((name) => path.basename(name));
  const inTurn = (names: string[]): string[] => names.map((_, i) => String(i + 1).padStart(4, '0'));

  test.each([
    ['migrations', '.sql'],
    ['docs/decisions', '.md'],
  ])('of %s run without gaps', (folder, ending) => {
    const names = numbered(folder, ending);
    expect(names.filter((name) => !/^\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.[a-z]+$/.test(name))).toEqual([]);
    expect(names.map((name) => name.slice(0, 4))).toEqual(inTurn(names));
  });

  test('of packages are exact', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const pins = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
      Object.entries(manifest[kind] ?? {}),
    );
    expect(pins.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });
});

describe('documents', () => {
  test('show the settings as the code prints them', () => {
    expect(read('README.md').includes(settingsTable()), 'npm run docs:settings writes the table').toBe(true);
  });

  test('link to files that are there', () => {
    const dead = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!\w+:)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target]) => target ?? '')
        .filter((target) => !existsSync(path.join(root, path.dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(dead).toEqual([]);
  });

  test('name commands that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...pages, ...code].flatMap((name) =>
      [...read(name).matchAll(/npm run ([a-z][a-z:-]*)/g)].map(([, script]) => ({
        name,
        script: script ?? '',
      })),
    );
    expect(named.filter(({ script }) => !(script in scripts))).toEqual([]);
  });
});

/** Long files without a test of their own name, each with the test that reaches it. */
const reachedThrough: Record<string, string> = {
  'src/app.ts': 'tests/e2e/resume.test.ts',
  'src/cli/get.ts': 'tests/cli/commands.test.ts',
  'src/cli/put.ts': 'tests/cli/commands.test.ts',
  'src/client/client.ts': 'tests/client/round-trip.test.ts',
  'src/client/get.ts': 'tests/client/get-cut.test.ts',
  'src/client/put.ts': 'tests/client/put-cut.test.ts',
  'src/config-values.ts': 'tests/config.test.ts',
  'src/files/create-upload.ts': 'tests/e2e/content.test.ts',
  'src/files/filter-restriction.ts': 'tests/files/parse-filter.test.ts',
  'src/files/media-type-content.ts': 'tests/files/media-type.test.ts',
  'src/files/open-upload.ts': 'tests/e2e/resume.test.ts',
  'src/files/postgres-file-commit.ts': 'tests/files/postgres-file-store.test.ts',
  'src/files/upload-receiver.ts': 'tests/e2e/two-processes.test.ts',
  'src/grpc/batch-methods.ts': 'tests/e2e/records.test.ts',
  'src/grpc/calls.ts': 'tests/e2e/content.test.ts',
  'src/postgres/embedded-launch.ts': 'tests/postgres/embedded.test.ts',
  'src/postgres/embedded-server.ts': 'tests/postgres/embedded.test.ts',
};

describe('tests', () => {
  const tests = below('tests', '.test.ts');

  test('there are of each long file, under its name or in the list above', () => {
    const own = (name: string): string => name.replace(/^src(.*)\.ts$/, 'tests$1.test.ts');
    const long = source.filter((name) => read(name).split('\n').length > 150 && !tests.includes(own(name)));
    expect(long.filter((name) => !(name in reachedThrough))).toEqual([]);
    const stale = Object.entries(reachedThrough).filter(
      ([name, through]) => !source.includes(name) || !tests.includes(through),
    );
    expect(stale).toEqual([]);
  });

  test('stand where what they hold stands, or in a folder for the whole', () => {
    const whole = [
      'tests/e2e/',
      'tests/themes/',
      'tests/languages/',
      'tests/bench/',
      'tests/examples/',
      'tests/tidy.test.ts',
    ];
    const folders = new Set(source.map((name) => path.dirname(name)));
    const lost = tests.filter((name) => {
      if (whole.some((place) => name.startsWith(place))) return false;
      return !folders.has(path.dirname(name).replace(/^tests/, 'src'));
    });
    expect(lost).toEqual([]);
  });

  test('are all run, and say why when they cannot be', () => {
    const silent = /\b(it|test|describe)\.(only|skip|todo)\b/;
    expect(found(tests, silent)).toEqual([]);
    const unexplained = tests.filter(
      (name) =>
        /\.skipIf\(/.test(read(name)) && !/stderr\.write\(`.*\bnot (run|played): .*\$\{/i.test(read(name)),
    );
    expect(unexplained).toEqual([]);
  });
});

describe('the build', () => {
  test('knows every C++ file', () => {
    const builders = files.filter((name) => /(^|\/)CMakeLists\.txt$|^tests\/support\/.*\.ts$/.test(name));
    const lists = builders.map(read).join('\n');
    const names = [...below('native', '.cc'), ...below('tests/native', '.cc')];
    const unknown = names.filter((name) => {
      const stem = path.basename(name, '.cc');
      return !new RegExp(`\\b${stem}\\b`).test(lists);
    });
    expect(unknown).toEqual([]);
  });
});
