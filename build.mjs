// Builds what is missing or older than its source: the messages' types, the native core, the JavaScript. It stands behind
// `npm ci` and `npm start`, so it needs nothing but Node and says little: one line for what it built, one for what is missing.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));

/** The file of a package that the build needs. @param {string} name */
function tool(name) {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch {
    process.stderr.write(`${name.split('/build/')[0]} is not installed: run npm ci, without --omit=dev\n`);
    return process.exit(1);
  }
}

/** The time of the newest or of the oldest file below paths that exist; 0 when there is none. @param {'max' | 'min'} which @param {string[]} paths */
function changed(which, ...paths) {
  const times = paths.flatMap((path) => {
    const status = statSync(join(root, path), { throwIfNoEntry: false });
    if (status === undefined) return [];
    if (!status.isDirectory()) return [status.mtimeMs];
    return readdirSync(join(root, path)).map((name) => changed(which, join(path, name)));
  });
  return times.length === 0 ? 0 : Math[which](...times);
}

/** Runs a Node program; what it says is shown only when it fails. @param {string} script @param {string[]} args */
function run(script, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return stdout;
  process.stderr.write(stderr + stdout);
  process.exit(1);
}

function buildNative() {
  return !run(join('native', 'build.mjs')).includes('up to date');
}

const PROTOS = [
  'longshore/v1/file_service.proto',
  'longshore/v1/download_service.proto',
  'google/rpc/error_details.proto',
];
const PROTO_OPTIONS = [
  '--longs=Number',
  '--enums=String',
  '--defaults',
  '--oneofs',
  '--grpcLib=@grpc/grpc-js',
];

function buildMessageTypes() {
  if (existsSync(join(root, 'src/gen')) && changed('max', 'proto', 'build.mjs') < changed('min', 'src/gen'))
    return false;
  const fresh = join(root, `build/gen-${process.pid}`);
  const generator = tool('@grpc/proto-loader/build/bin/proto-loader-gen-types.js');
  run(
    generator,
    ...PROTO_OPTIONS,
    '--importFileExtension=.ts',
    '-I',
    'proto',
    `--outDir=${fresh}`,
    ...PROTOS,
  );
  // The files at the top type a loaded package definition; nobody here asks for one.
  for (const name of readdirSync(fresh).filter((name) => name.endsWith('.ts'))) rmSync(join(fresh, name));
  rmSync(join(root, 'src/gen'), { recursive: true, force: true });
  renameSync(fresh, join(root, 'src/gen'));
  return true;
}

function buildJavaScript() {
  const sources = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
  if (changed('max', ...sources) < changed('min', 'dist/main.js')) return false;
  run(tool('typescript/bin/tsc'), '-p', 'tsconfig.build.json');
  return true;
}

/** npm links the programs of dependencies, not the project's own; `npx longshore` finds this one. */
function linkProgram() {
  const program = join(root, 'dist', 'main.js');
  chmodSync(program, 0o755);
  const link = join(root, 'node_modules', '.bin', 'longshore');
  if (existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join('..', '..', 'dist', 'main.js'), link);
}

const begin = Date.now();
const built = [
  buildNative() && 'native core',
  buildMessageTypes() && 'message types',
  buildJavaScript() && 'JavaScript',
].filter(Boolean);
linkProgram();
if (built.length > 0) {
  process.stdout.write(`built ${built.join(', ')} in ${((Date.now() - begin) / 1000).toFixed(1)} s\n`);
}
