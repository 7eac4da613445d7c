import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, settingsTable } from '../src/config.ts';
import { LongshoreError } from '../src/errors.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'longshore-config-'));
afterAll(() => rm(folder, { recursive: true }));

function faults(environment: Record<string, string>): Record<string, string> {
  try {
    loadConfig(environment);
  } catch (error) {
    if (!(error instanceof LongshoreError)) throw error;
    expect(error.reason).toBe('FIELD_INVALID');
    return Object.fromEntries(error.violations.map(({ field, description }) => [field, description]));
  }
  return {};
}

async function configFile(name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return file;
}

describe('settings', () => {
  it('have defaults that serve a newcomer on loopback, with the embedded Postgres', () => {
    const config = loadConfig({});
    expect(config.grpcAddress).toEqual({ host: '127.0.0.1', port: 50051 });
    expect(config.httpAddress).toEqual({ host: '127.0.0.1', port: 8080 });
    expect(config.dataFolder).toBe(path.resolve('data'));
    expect(config.databaseUrl).toBeNull();
    expect(config.auth).toBe('off');
    expect(config.mediaTypeLimits).toEqual([
      { pattern: 'application/pdf', bytesMax: 50e6 },
      { pattern: 'image/*', bytesMax: 10e6 },
      { pattern: 'text/*', bytesMax: 5e6 },
    ]);
  });

  it('cannot be changed once read', () => {
    const config: { auth: string } = loadConfig({});
    expect(() => (config.auth = 'keys')).toThrow(TypeError);
  });

  it('come from the environment, in the units an operator writes', () => {
    const config = loadConfig({
      LONGSHORE_GRPC_ADDRESS: '[::1]:0',
      LONGSHORE_UPLOAD_TTL: '1.5h',
      LONGSHORE_UPLOAD_IDLE_TIMEOUT: '250ms',
      LONGSHORE_DELETE_GRACE: '0',
      LONGSHORE_FILE_BYTES_MAX: '1.5 GiB',
      LONGSHORE_BATCH_BYTES_MAX: '64kib',
      LONGSHORE_TENANT_BYTES_MAX: '10MB',
      LONGSHORE_READ_BUFFER_BYTES_MAX: '16777216',
      LONGSHORE_REFLECTION: 'off',
      LONGSHORE_EMPTY_FILES: 'refuse',
      LONGSHORE_MEDIA_TYPES_ALLOWED: 'Image/*, text/plain',
      LONGSHORE_MEDIA_TYPES_BLOCKED: 'none',
      LONGSHORE_MEDIA_TYPE_BYTES_MAX: 'image/png=1KiB',
      DATABASE_URL: 'postgresql://a:b@db/longshore',
    });
    expect(config).toMatchObject({
      grpcAddress: { host: '::1', port: 0 },
      uploadTtlMs: 5_400_000,
      uploadIdleTimeoutMs: 250,
      deleteGraceMs: 0,
      fileBytesMax: 1.5 * 2 ** 30,
      batchBytesMax: 65_536,
      tenantBytesMax: 10_000_000,
      readBufferBytesMax: 2 ** 24,
      reflection: false,
      emptyFilesAllowed: false,
      mediaTypesAllowed: ['image/*', 'text/plain'],
      mediaTypesBlocked: [],
      mediaTypeLimits: [{ pattern: 'image/png', bytesMax: 1024 }],
      databaseUrl: 'postgresql://a:b@db/longshore',
    });
  });

  it('count as not given when they are empty', () => {
    expect(loadConfig({ LONGSHORE_UPLOAD_TTL: ' ', LONGSHORE_AUTH: '' })).toEqual(loadConfig({}));
  });

  it.each([
    ['LONGSHORE_UPLOAD_TTL', '30', 'a duration'],
    ['LONGSHORE_UPLOAD_TTL', '10 years', 'a duration'],
    ['LONGSHORE_UPLOAD_TTL', '1ms', 'at least 1s and at most 365d'],
    ['LONGSHORE_FILE_BYTES_MAX', 'much', 'a size'],
    ['LONGSHORE_FILE_BYTES_MAX', '-1', 'a size'],
    ['LONGSHORE_FILE_BYTES_MAX', '99999999TB', 'a size'],
    ['LONGSHORE_BATCH_BYTES_MAX', '4MiB', 'at most 3968KiB'],
    ['LONGSHORE_BATCH_ITEMS_MAX', '1e3', 'a whole number'],
    ['LONGSHORE_GRPC_ADDRESS', '127.0.0.1', 'an address'],
    ['LONGSHORE_GRPC_ADDRESS', '127.0.0.1:65536', 'an address'],
    ['LONGSHORE_AUTH', 'on', 'one of off, keys'],
    ['LONGSHORE_REFLECTION', 'yes', 'on or off'],
    ['LONGSHORE_SHA256', 'md5', 'auto, portable, shani, avx512, armv8'],
    ['LONGSHORE_MEDIA_TYPES_ALLOWED', 'pdf', 'media types'],
    ['LONGSHORE_MEDIA_TYPE_BYTES_MAX', 'image/png', 'media types with sizes'],
    ['LONGSHORE_PAGE_TOKEN_KEY', 'abc', '64 hexadecimal digits'],
  ])('%s=%s is refused with what it should be', (name, value, expected) => {
    expect(faults({ [name]: value })).toEqual({ [name]: expect.stringContaining(expected) as string });
  });

  it('are reported together when several are wrong', () => {
    const found = faults({
      LONGSHORE_UPLOAD_TTL: 'soon',
      LONGSHORE_LOG_LEVEL: 'loud',
      LONGSHORE_UPLOAD_TLL: '1h',
    });
    expect(Object.keys(found).sort()).toEqual([
      'LONGSHORE_LOG_LEVEL',
      'LONGSHORE_UPLOAD_TLL',
      'LONGSHORE_UPLOAD_TTL',
    ]);
  });

  it('that do not exist are refused with the nearest one that does', () => {
    expect(faults({ LONGSHORE_GRCP_ADDRES: 'x' })['LONGSHORE_GRCP_ADDRES']).toBe(
      'is no setting; the nearest one is LONGSHORE_GRPC_ADDRESS',
    );
  });

  it('are not confused with what Kubernetes tells the containers of a service named longshore', () => {
    const links = {
      LONGSHORE_SERVICE_HOST: '10.0.0.1',
      LONGSHORE_SERVICE_PORT: '50051',
      LONGSHORE_SERVICE_PORT_GRPC: '50051',
      LONGSHORE_PORT: 'tcp://10.0.0.1:50051',
      LONGSHORE_PORT_50051_TCP: 'tcp://10.0.0.1:50051',
      LONGSHORE_PORT_50051_TCP_ADDR: '10.0.0.1',
    };
    expect(faults(links)).toEqual({});
  });

  it('of the command line may be set where a server is started', () => {
    const client = { LONGSHORE_SERVER: 'a:1', LONGSHORE_TENANT: 'acme', LONGSHORE_API_KEY: 'lsk_x' };
    expect(faults(client)).toEqual({});
  });

  it('never repeat a connection string that is wrong: it may hold a password', () => {
    expect(JSON.stringify(faults({ DATABASE_URL: 'mysql://user:hunter2@db' }))).not.toContain('hunter2');
  });

  it.each([
    '0.0.0.0:50051',
    '[::]:50051',
    '192.168.1.7:50051',
    'storage.example:50051',
    '[::ffff:10.0.0.1]:1',
  ])('do not open %s to everybody without keys', (address) => {
    expect(faults({ LONGSHORE_GRPC_ADDRESS: address })).toHaveProperty('LONGSHORE_GRPC_ADDRESS');
    expect(faults({ LONGSHORE_HTTP_ADDRESS: address })).toHaveProperty('LONGSHORE_HTTP_ADDRESS');
    expect(faults({ LONGSHORE_GRPC_ADDRESS: address, LONGSHORE_AUTH: 'keys' })).toEqual({});
  });
});

describe('a settings file', () => {
  it('of KEY=VALUE lines is read, and the environment wins over it', async () => {
    const file = await configFile(
      'settings.env',
      '# ours\n\nLONGSHORE_UPLOAD_TTL=2h\nexport LONGSHORE_LOG_LEVEL="debug"\r\nDATABASE_URL = postgres://db/x?a=b\n',
    );
    const config = loadConfig({
      LONGSHORE_CONFIG_FILE: file,
      LONGSHORE_UPLOAD_TTL: '3h',
      LONGSHORE_LOG_LEVEL: '',
    });
    expect(config).toMatchObject({
      uploadTtlMs: 10_800_000,
      logLevel: 'debug',
      databaseUrl: 'postgres://db/x?a=b',
    });
  });

  it('of JSON is read', async () => {
    const file = await configFile(
      'settings.json',
      '{"LONGSHORE_BATCH_ITEMS_MAX": 7, "LONGSHORE_REFLECTION": false, "LONGSHORE_AUTH": "keys"}',
    );
    expect(loadConfig({ LONGSHORE_CONFIG_FILE: file })).toMatchObject({
      batchItemsMax: 7,
      reflection: false,
      auth: 'keys',
    });
  });

  it('has its faults reported with those of the environment', async () => {
    const file = await configFile('broken.env', 'LONGSHORE_UPLOAD_TTL=2h\nnonsense\nPORT=80\n');
    expect(faults({ LONGSHORE_CONFIG_FILE: file, LONGSHORE_LOG_LEVEL: 'loud' })).toEqual({
      [file]: 'line 2 should be KEY=VALUE',
      PORT: expect.stringContaining('is no setting') as string,
      LONGSHORE_LOG_LEVEL: expect.any(String) as string,
    });
    const json = await configFile('broken.json', '{"LONGSHORE_AUTH": ["keys"]');
    expect(faults({ LONGSHORE_CONFIG_FILE: json })[json]).toContain('is not JSON');
    const list = await configFile('list.json', '{"LONGSHORE_AUTH": ["keys"]}');
    expect(faults({ LONGSHORE_CONFIG_FILE: list })[list]).toContain('LONGSHORE_AUTH should be text');
  });

  it('that cannot be read is a fault', () => {
    const missing = path.join(folder, 'missing');
    expect(faults({ LONGSHORE_CONFIG_FILE: missing })['LONGSHORE_CONFIG_FILE']).toContain('ENOENT');
  });
});

describe('the README', () => {
  it('has the table of settings as the code has it (npm run docs:settings writes it)', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const table = /<!-- settings -->([^]*?)<!-- \/settings -->/.exec(readme)?.[1];
    expect(table?.replaceAll(/<!-- prettier-ignore-(start|end) -->/g, '').trim()).toBe(settingsTable());
  });
});
