import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { parseConfigFile } from './config-file.ts';
import {
  address,
  bytes,
  durationMs,
  folder,
  integer,
  mediaTypeLimits,
  mediaTypes,
  eitherOr,
  oneOf,
  postgresUrl,
  secretKey,
  type Address,
  type Reader,
} from './config-values.ts';
import { LongshoreError, type FieldViolation } from './errors.ts';
import { LOG_LEVELS } from './telemetry/log.ts';

interface Setting<T> {
  readonly name: string;
  /** Written as an operator would. */
  readonly default: string;
  readonly reader: Reader<T>;
  /** One or two sentences for the README. */
  readonly meaning: string;
}

function setting<T>(name: string, fallback: string, reader: Reader<T>, meaning: string): Setting<T> {
  return { name, default: fallback, reader, meaning };
}

/** Types that are programs, by the names that file name endings and contents are known by. */
const EXECUTABLE_TYPES = [
  'application/vnd.microsoft.portable-executable',
  'application/x-dosexec',
  'application/x-elf',
  'application/x-executable',
  'application/x-mach-binary',
  'application/x-msdos-program',
  'application/x-msdownload',
  'application/x-ms-shortcut',
  'application/x.ms.shortcut',
].join(',');

/** Every setting: the only list of them. Names end with the unit of the value. */
const SETTINGS = {
  grpcAddress: setting('LONGSHORE_GRPC_ADDRESS', '127.0.0.1:50051', address(), 'Where gRPC is served.'),
  httpAddress: setting(
    'LONGSHORE_HTTP_ADDRESS',
    '127.0.0.1:8080',
    address(),
    'Where health and metrics are served.',
  ),
  dataFolder: setting(
    'LONGSHORE_DATA_DIR',
    './data',
    folder(),
    'Where content, uploads and the embedded Postgres are kept.',
  ),
  databaseUrl: setting(
    'DATABASE_URL',
    '',
    postgresUrl(),
    'A Postgres of version 14 or later. Empty: the embedded one, for one process on one data folder.',
  ),
  databaseConnectionsMax: setting(
    'LONGSHORE_DATABASE_CONNECTIONS_MAX',
    '10',
    integer({ min: '2', max: '1000' }),
    'Connections of this process to the database.',
  ),
  databaseStatementTimeoutMs: setting(
    'LONGSHORE_DATABASE_STATEMENT_TIMEOUT',
    '30s',
    durationMs({ min: '1s', max: '1h' }),
    'How long one statement may run before its request fails.',
  ),
  auth: setting(
    'LONGSHORE_AUTH',
    'off',
    oneOf(['off', 'keys']),
    '`keys`: every call needs an API key. `off`: everybody may do everything, for every tenant; on loopback addresses only.',
  ),
  pageTokenKey: setting(
    'LONGSHORE_PAGE_TOKEN_KEY',
    '',
    secretKey(),
    'Signs page tokens: 64 hexadecimal digits. Empty: made once and kept in the database.',
  ),
  logLevel: setting('LONGSHORE_LOG_LEVEL', 'info', oneOf(LOG_LEVELS), 'The least that is logged.'),
  sha256: setting(
    'LONGSHORE_SHA256',
    'auto',
    oneOf(['auto', 'portable', 'shani', 'avx512', 'armv8']),
    'Which SHA-256 code runs. `auto`: the fastest that this processor has.',
  ),
  reflection: setting(
    'LONGSHORE_REFLECTION',
    'on',
    eitherOr('on', 'off'),
    'Whether gRPC reflection is served.',
  ),
  streamsMax: setting(
    'LONGSHORE_STREAMS_MAX',
    '10000',
    integer({ min: '1', max: '100000' }),
    'Calls under way at once in this process; further ones are told to come back.',
  ),
  readBufferBytesMax: setting(
    'LONGSHORE_READ_BUFFER_BYTES_MAX',
    '128MiB',
    bytes({ min: '8MiB' }),
    'Memory for content on its way out, all reads together.',
  ),
  batchBytesMax: setting(
    'LONGSHORE_BATCH_BYTES_MAX',
    '3840KiB',
    bytes({ min: '64KiB', max: '3968KiB' }),
    'Content of one batch call; a gRPC message holds 4 MiB.',
  ),
  batchItemsMax: setting(
    'LONGSHORE_BATCH_ITEMS_MAX',
    '1000',
    integer({ min: '1', max: '10000' }),
    'Items of one batch call.',
  ),
  drainTimeoutMs: setting(
    'LONGSHORE_DRAIN_TIMEOUT',
    '30s',
    durationMs({ max: '1h' }),
    'How long calls under way may take to end after SIGTERM.',
  ),
  fileBytesMax: setting(
    'LONGSHORE_FILE_BYTES_MAX',
    '1TiB',
    bytes({ min: '1B', max: '64TiB' }),
    'Size of one file.',
  ),
  emptyFilesAllowed: setting(
    'LONGSHORE_EMPTY_FILES',
    'allow',
    eitherOr('allow', 'refuse'),
    'Whether files without content are taken.',
  ),
  mediaTypesAllowed: setting(
    'LONGSHORE_MEDIA_TYPES_ALLOWED',
    '',
    mediaTypes(),
    'Media types that are taken, separated by commas; `image/*` is all images. Empty: all that are not blocked.',
  ),
  mediaTypesBlocked: setting(
    'LONGSHORE_MEDIA_TYPES_BLOCKED',
    EXECUTABLE_TYPES,
    mediaTypes(),
    'Media types that are refused, by declaration, name or content. `none`: no type is.',
  ),
  mediaTypeLimits: setting(
    'LONGSHORE_MEDIA_TYPE_BYTES_MAX',
    'application/pdf=50MB,image/*=10MB,text/*=5MB',
    mediaTypeLimits(),
    'Size of one file by its type; the most specific pattern holds. `none`: only LONGSHORE_FILE_BYTES_MAX does.',
  ),
  tenantBytesMax: setting('LONGSHORE_TENANT_BYTES_MAX', '0', bytes(), 'Content of one tenant. 0: no limit.'),
  requestsPerSecondMax: setting(
    'LONGSHORE_REQUESTS_PER_SECOND_MAX',
    '0',
    integer({ max: '1000000' }),
    'Calls of one tenant to this process. 0: no limit.',
  ),
  uploadTtlMs: setting(
    'LONGSHORE_UPLOAD_TTL',
    '24h',
    durationMs({ min: '1s', max: '365d' }),
    'How long an upload may be resumed.',
  ),
  uploadIdleTimeoutMs: setting(
    'LONGSHORE_UPLOAD_IDLE_TIMEOUT',
    '60s',
    durationMs({ min: '100ms', max: '1h' }),
    'How long an upload stream may stand still before it is closed.',
  ),
  deleteGraceMs: setting(
    'LONGSHORE_DELETE_GRACE',
    '30d',
    durationMs({ max: '3650d' }),
    'How long a deleted file can be brought back before it is purged.',
  ),
  sweepIntervalMs: setting(
    'LONGSHORE_SWEEP_INTERVAL',
    '10m',
    durationMs({ min: '100ms', max: '7d' }),
    'How often expired uploads, purged files and content that nothing points to are removed.',
  ),
  scrubIntervalMs: setting(
    'LONGSHORE_SCRUB_INTERVAL',
    '7d',
    durationMs({ max: '365d' }),
    'How often stored content is read and proved again. 0: never.',
  ),
  scrubBytesPerSecondMax: setting(
    'LONGSHORE_SCRUB_BYTES_PER_SECOND',
    '50MiB',
    bytes({ min: '64KiB' }),
    'How fast stored content is proved again.',
  ),
} as const;

const CONFIG_FILE = {
  name: 'LONGSHORE_CONFIG_FILE',
  default: '',
  meaning: 'A file of settings: a JSON object or lines of KEY=VALUE. The environment wins over it.',
};

type Settings = typeof SETTINGS;
type Value<S> = S extends Setting<infer T> ? T : never;

/** Every setting, read and checked. */
export type Config = { readonly [Name in keyof Settings]: Value<Settings[Name]> };

/** What the command line reads (`cli/environment.ts`) may be set where a server is started, too. */
const CLIENT_SETTINGS: ReadonlySet<string> = new Set([
  'LONGSHORE_SERVER',
  'LONGSHORE_TENANT',
  'LONGSHORE_API_KEY',
]);

/** Kubernetes tells each container of a service named "longshore" under these names where that is. */
const SERVICE_LINK =
  /^LONGSHORE_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads every setting from the environment, then from the file that `LONGSHORE_CONFIG_FILE` names, then its default. An empty
 * text counts as not given.
 *
 * @throws LongshoreError FIELD_INVALID with one violation for each fault: all of them, not only the first. Also for
 *   `LONGSHORE_*` names that are no settings, with the nearest one.
 */
export function loadConfig(environment: Environment = process.env): Config {
  const violations: FieldViolation[] = [];
  const file = readConfigFile(environment[CONFIG_FILE.name], violations);
  const given = new Map<string, string>(file);
  for (const [name, value] of Object.entries(environment)) {
    const meant = name.startsWith('LONGSHORE_') || file.has(name) || name === SETTINGS.databaseUrl.name;
    const ours = meant && !CLIENT_SETTINGS.has(name) && !SERVICE_LINK.test(name);
    if (ours && value !== undefined && value.trim() !== '') given.set(name, value);
  }
  violations.push(...unknownSettings(given.keys()));

  const values: Record<string, unknown> = {};
  for (const [key, { name, default: fallback, reader }] of Object.entries(SETTINGS)) {
    const result: z.ZodSafeParseResult<unknown> = reader.safeParse(given.get(name)?.trim() || fallback);
    if (result.success) values[key] = result.data;
    else violations.push({ field: name, description: result.error.issues[0]?.message ?? 'cannot be read' });
  }
  const config = values as Partial<Config>;
  if (config.auth === 'off') violations.push(...openToOthers(config));
  if (violations.length > 0) throw faulty(violations);
  return Object.freeze(config as Config);
}

/** The settings as a table of Markdown, for the README. */
export function settingsTable(): string {
  const rows = [CONFIG_FILE, ...Object.values(SETTINGS)].map(({ name, default: fallback, meaning }) => {
    // Long lists may break where they have commas.
    const shown =
      fallback === ''
        ? ''
        : fallback
            .split(',')
            .map((part) => `\`${part}\``)
            .join(', ');
    return `| \`${name}\` | ${shown} | ${meaning} |`;
  });
  return ['| Setting | Default | Meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function readConfigFile(file: string | undefined, violations: FieldViolation[]): Map<string, string> {
  if (file === undefined || file === '') return new Map();
  const fault = (description: string): void => void violations.push({ field: file, description });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    violations.push({ field: CONFIG_FILE.name, description: `cannot be read: ${String(error)}` });
    return new Map();
  }
  return parseConfigFile(text, fault);
}

function unknownSettings(names: Iterable<string>): FieldViolation[] {
  const known = [CONFIG_FILE.name, ...Object.values(SETTINGS).map(({ name }) => name)];
  return [...names]
    .filter((name) => !known.includes(name))
    .map((name) => ({
      field: name,
      description: `is no setting; the nearest one is ${nearest(name, known)}`,
    }));
}

function nearest(name: string, known: readonly string[]): string {
  const byDistance = known.map((other) => ({ other, distance: editDistance(name, other) }));
  return byDistance.reduce((best, each) => (each.distance < best.distance ? each : best)).other;
}

/** How many letters to insert, remove or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function openToOthers(config: Partial<Config>): FieldViolation[] {
  const addresses = [
    { name: SETTINGS.grpcAddress.name, value: config.grpcAddress },
    { name: SETTINGS.httpAddress.name, value: config.httpAddress },
  ];
  return addresses
    .filter(({ value }) => value !== undefined && !isLoopback(value))
    .map(({ name }) => ({
      field: name,
      description: 'should be a loopback address (127.0.0.1, [::1] or localhost) while LONGSHORE_AUTH is off',
    }));
}

function isLoopback({ host }: Address): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function faulty(violations: readonly FieldViolation[]): LongshoreError {
  const lines = violations.map(({ field, description }) => `  ${field}: ${description}`);
  const count = violations.length === 1 ? 'A setting is' : `${violations.length} settings are`;
  return new LongshoreError('FIELD_INVALID', `${count} wrong:\n${lines.join('\n')}`, { violations });
}
