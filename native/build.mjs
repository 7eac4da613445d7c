// Builds the native core into build/Release/longshore.node, and does nothing when it is up to date.
// It runs before anything is compiled, so it is plain JavaScript with nothing but Node.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const addon = join(root, 'build', 'Release', 'longshore.node');

/** @param {string} text */
function stop(text) {
  process.stderr.write(`build:native: ${text}\n`);
  process.exit(1);
}

/** Whether version a is at least version b. @param {string} a @param {string} b */
function atLeast(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < right.length; i += 1) {
    if ((left[i] ?? 0) !== right[i]) return (left[i] ?? 0) > right[i];
  }
  return true;
}

/** @param {string} program @param {string[]} args */
function output(program, args) {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? stdout : null;
}

/** How to get what is missing, on this kind of machine. @param {{apt: string, brew: string}} packages */
function howToGet({ apt, brew }) {
  return process.platform === 'darwin' ? `brew install ${brew}` : `sudo apt-get install -y ${apt}`;
}

function checkTools() {
  if (process.platform === 'win32') stop('Windows is not supported; use WSL.');
  if (!atLeast(process.versions.node, '20.19')) {
    stop(
      `Node ${process.versions.node} is too old, 20.19 or later is needed: https://nodejs.org/en/download`,
    );
  }
  const cmake = /version (\d[\d.]*)/.exec(output('cmake', ['--version']) ?? '')?.[1];
  if (cmake === undefined || !atLeast(cmake, '3.19')) {
    stop(
      `CMake 3.19 or later is needed (${cmake ?? 'none'} found): ${howToGet({ apt: 'cmake make', brew: 'cmake' })}`,
    );
  }
  if (output('make', ['--version']) === null && output('ninja', ['--version']) === null) {
    stop(`make or ninja is needed: ${howToGet({ apt: 'make', brew: 'make' })}`);
  }
  const compilers = [process.env.CXX, 'c++', 'g++', 'clang++'].filter(
    (name) => name !== undefined && name !== '',
  );
  const compiles = (compiler) =>
    spawnSync(compiler, ['-std=c++17', '-x', 'c++', '-fsyntax-only', '-'], {
      input: '#include <optional>\nint main() { return std::optional<int>(0).value(); }\n',
    }).status === 0;
  if (!compilers.some(compiles)) {
    stop(`a C++17 compiler is needed: ${howToGet({ apt: 'g++', brew: 'llvm' })}`);
  }
}

/** The time of the last change to anything that the addon is built from. @param {string} path */
function changed(path) {
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => changed(join(path, name))));
}

function upToDate() {
  const sources = ['native/core', 'native/node', 'CMakeLists.txt', 'package-lock.json'];
  const built = statSync(addon, { throwIfNoEntry: false });
  return built !== undefined && sources.every((path) => changed(join(root, path)) < built.mtimeMs);
}

function build() {
  const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [cmakeJs, 'compile', '--directory', root, '--out', join(root, 'build')],
    { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  mkdirSync(join(root, 'build'), { recursive: true });
  const log = join(root, 'build', 'build.log');
  writeFileSync(log, `${stdout}\n${stderr}`);
  if (status !== 0) {
    process.stderr.write(stdout.split('\n').concat(stderr.split('\n')).slice(-60).join('\n'));
    stop(`the compiler stopped; the whole of what it said is in ${log}`);
  }
}

if (upToDate() && !process.argv.includes('--force')) {
  process.stdout.write('build:native: up to date\n');
} else {
  checkTools();
  const begin = Date.now();
  build();
  // Make leaves an output alone that would come out the same; to us it is new all the same.
  utimesSync(addon, new Date(), new Date());
  createRequire(import.meta.url)(addon);
  process.stdout.write(`build:native: built in ${((Date.now() - begin) / 1000).toFixed(1)} s\n`);
}
