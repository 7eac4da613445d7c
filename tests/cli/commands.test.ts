import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, type File } from '../../src/client/client.ts';
import { newTenant, startTestServer, type TestServer } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { runLongshore, type Ran, type RunOptions } from './run-longshore.ts';

const root = temporaryFolder();
let server: TestServer;
let tenant: string;
let folder: string;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(async () => {
  await server?.close();
});

beforeEach(async () => {
  tenant = newTenant();
  folder = await mkdtemp(join(root, 'run-'));
});

function longshore(args: string[], options: Partial<RunOptions> = {}): Promise<Ran> {
  const notesFolder = join(root, 'notes');
  return runLongshore(args, { address: server.address, tenant, notesFolder, ...options });
}

async function write(name: string, content: string | Buffer = name): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function stored(options: { showDeleted?: boolean } = {}): Promise<File[]> {
  const client = connect({ address: server.address, tenant, notesFolder: null });
  const files = [];
  for await (const file of client.list({ orderBy: 'display_name', ...options })) files.push(file);
  client.close();
  return files;
}

async function storedNames(): Promise<string[]> {
  return (await stored()).map(({ displayName }) => displayName);
}

describe('put', () => {
  it('uploads files and says where each one is', async () => {
    const ran = await longshore(['put', await write('a.txt', 'alpha'), await write('b.txt', 'beta')]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^a\.txt -> tenants\/\w+\/files\/\w+ {2}5 B$/m);
    expect(ran.stdout).toMatch(/^b\.txt -> .*4 B$/m);
    expect(ran.stderr).toMatch(/^2 files, 9 B in \d+ s\n$/);
    expect(await storedNames()).toEqual(['a.txt', 'b.txt']);
  });

  it('uploads folders with everything in its place, under a prefix and with labels', async () => {
    for (const name of ['trip/1.txt', 'trip/day/2.txt', 'trip/day/3.txt']) await write(name);
    const ran = await longshore(['put', join(folder, 'trip'), '--prefix', '2026/', '--label', 'kind=note']);
    expect(ran.code).toBe(0);
    const files = await stored();
    expect(files.map(({ displayName }) => displayName)).toEqual([
      '2026/trip/1.txt',
      '2026/trip/day/2.txt',
      '2026/trip/day/3.txt',
    ]);
    expect(files.map(({ labels }) => labels)).toEqual(Array(3).fill({ kind: 'note' }));
  });

  it('goes on after a failure, says each in a sentence, and exits with 1', async () => {
    await write('in/good.txt');
    await symlink('good.txt', join(folder, 'in', 'link'));
    const ran = await longshore(['put', join(folder, 'gone'), join(folder, 'in')]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(`${folder}/gone: This is not there.\n`);
    expect(ran.stderr).toContain('link: This is a symlink; --follow uploads what it points to.\n');
    expect(ran.stderr).toContain('1 file, 11 B in 1 s; 2 failed\n');
    expect(await storedNames()).toEqual(['in/good.txt']);
  });

  it('makes no second record of what is there by that name, unless asked to', async () => {
    const path = await write('a.txt');
    await longshore(['put', path]);
    const again = await longshore(['put', path]);
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^a\.txt is already there as tenants/),
    });
    expect(await stored()).toHaveLength(1);
    const forced = await longshore(['put', path, '--again']);
    expect(forced.stdout).toContain('(held already, nothing was sent)');
    expect(await stored()).toHaveLength(2);
    await write('a.txt', 'changed');
    await longshore(['put', path]);
    expect(await stored()).toHaveLength(3);
  });

  it('takes standard input under a name', async () => {
    const ran = await longshore(['put', '-', '--name', 'log.txt'], {
      stdin: Readable.from([Buffer.from('piped')]),
    });
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^log\.txt -> /) });
    expect(await stored()).toMatchObject([{ displayName: 'log.txt', sizeBytes: 5 }]);
  });

  it('tells programs everything as lines of JSON', async () => {
    const path = await write('a.txt', 'alpha');
    const ran = await longshore(['put', path, join(folder, 'gone'), '--json']);
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    const put = ran.events().find(({ event }) => event === 'put');
    expect(put).toMatchObject({
      path,
      deduplicated: false,
      resumedFromBytes: 0,
      file: {
        displayName: 'a.txt',
        sizeBytes: 5,
        sha256: createHash('sha256').update('alpha').digest('hex'),
      },
    });
    expect(ran.events().find(({ event }) => event === 'failed')).toMatchObject({
      message: 'This is not there.',
    });
    expect(ran.events().at(-1)).toMatchObject({ event: 'summary', files: 1, failed: 1 });
  });

  it('passes on what the server refuses', async () => {
    const ran = await longshore(['put', await write('a.txt'), '--name', '../a.txt']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('display_name');
  });

  it('uploads many files, several at once', async () => {
    for (let i = 0; i < 60; i++) await write(`many/${i}.txt`, `content ${i}`);
    const ran = await longshore(['put', join(folder, 'many'), '--jobs', '8', '--json']);
    expect(ran.code).toBe(0);
    expect(await stored()).toHaveLength(60);
  });
});

describe('get', () => {
  it('fetches by what it is called, by full name, by id and by digest', async () => {
    await longshore(['put', await write('a.txt', 'alpha')]);
    const [file] = await stored();
    const id = file!.name.slice(file!.name.lastIndexOf('/') + 1);
    for (const name of ['a.txt', file!.name, id, `sha256:${file!.sha256}`]) {
      const into = await mkdtemp(join(folder, 'into-'));
      const ran = await longshore(['get', name, '--output', into]);
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      expect(await readFile(join(into, 'a.txt'), 'utf8')).toBe('alpha');
    }
  });

  it('fetches a folder with everything in its place', async () => {
    for (const name of ['trip/1.txt', 'trip/day/2.txt', 'tripod.txt']) await write(name);
    await longshore(['put', join(folder, 'trip'), join(folder, 'tripod.txt')]);
    for (const name of ['trip/', 'trip']) {
      const into = await mkdtemp(join(folder, 'into-'));
      const ran = await longshore(['get', name, '-o', into]);
      expect(ran.code).toBe(0);
      expect((await readdir(into, { recursive: true })).toSorted()).toEqual([
        'trip',
        'trip/1.txt',
        'trip/day',
        'trip/day/2.txt',
      ]);
      expect(await readFile(join(into, 'trip/day/2.txt'), 'utf8')).toBe('trip/day/2.txt');
    }
  });

  it('writes to standard output nothing but content', async () => {
    const bytes = randomBytes(300_000);
    await longshore(['put', await write('a.bin', bytes), await write('b.txt', 'beta')]);
    const one = await longshore(['get', 'b.txt', '-o', '-']);
    expect(one).toMatchObject({ code: 0, stdout: 'beta', stderr: '' });
    const two = await longshore(['get', 'b.txt', 'b.txt', '-o', '-', '--json']);
    expect(two.stdout).toBe('betabeta');
    expect(two.stderr).toContain('"event":"get"');
  });

  it('fetches a part', async () => {
    await longshore(['put', await write('a.txt', '0123456789')]);
    const out = async (...args: string[]): Promise<string> =>
      (await longshore(['get', 'a.txt', '-o', '-', ...args])).stdout;
    expect(await out('--offset', '3', '--length', '4')).toBe('3456');
    expect(await out('--offset', '-2')).toBe('89');
    expect(await out('--length', '2')).toBe('01');
  });

  it('leaves what is there as it is, unless told to replace it', async () => {
    await longshore(['put', await write('a.txt', 'alpha')]);
    const path = await write('mine/a.txt', 'changed by me');
    const refused = await longshore(['get', 'a.txt', '-o', path]);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is there and differs; --force'),
    });
    expect(await readFile(path, 'utf8')).toBe('changed by me');
    expect((await longshore(['get', 'a.txt', '-o', path, '--force'])).code).toBe(0);
    expect(await readFile(path, 'utf8')).toBe('alpha');
    const again = await longshore(['get', 'a.txt', '-o', path]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('is already there') });
  });

  it('takes the newest of a name, and says so', async () => {
    const path = await write('a.txt', 'old');
    await longshore(['put', path]);
    await write('a.txt', 'new');
    await longshore(['put', path]);
    const ran = await longshore(['get', 'a.txt', '-o', '-']);
    expect(ran).toMatchObject({
      code: 0,
      stdout: 'new',
      stderr: expect.stringContaining('the newest of 2 files'),
    });
  });

  it('goes on after a failure and exits with 1', async () => {
    await longshore(['put', await write('a.txt', 'alpha')]);
    const into = join(folder, 'into');
    const ran = await longshore(['get', 'nothing.txt', 'a.txt', 'sha256:12', '-o', into]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('nothing.txt: There is no file "nothing.txt".\n');
    expect(ran.stderr).toContain('sha256:12: ');
    expect(await readdir(into)).toEqual(['a.txt']);
  });
});

describe('ls', () => {
  it('is a table with sizes that people read', async () => {
    await longshore(['put', await write('big.bin', Buffer.alloc(3_000_000)), await write('a.txt', 'alpha')]);
    const ran = await longshore(['ls', '--order', 'display_name']);
    const [header, first, second, ...rest] = ran.stdout.split('\n');
    expect(header).toMatch(/^ +SIZE {2}CREATED +ID +NAME$/);
    expect(first).toMatch(/^ {6}5 B {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}\w{26} {2}a\.txt$/);
    expect(second).toMatch(/^ {2}2\.9 MiB .* {2}big\.bin$/);
    expect(rest).toEqual(['']);
  });

  it('filters, orders, limits and looks into a folder', async () => {
    for (const name of ['x/1.txt', 'x/22.txt', 'y/333.txt']) await write(name);
    await longshore(['put', join(folder, 'x'), join(folder, 'y')]);
    const names = async (...args: string[]): Promise<unknown[]> =>
      (await longshore(['ls', '--json', ...args])).events().map(({ displayName }) => displayName);
    expect(await names('--order', 'size_bytes desc')).toEqual(['y/333.txt', 'x/22.txt', 'x/1.txt']);
    expect(await names('--order', 'display_name', '--limit', '2')).toEqual(['x/1.txt', 'x/22.txt']);
    expect(await names('--filter', 'size_bytes > 7', '--order', 'display_name')).toEqual([
      'x/22.txt',
      'y/333.txt',
    ]);
    expect(await names('x/', '--filter', 'size_bytes > 7 OR size_bytes < 3')).toEqual(['x/22.txt']);
    const wrong = await longshore(['ls', '--filter', 'colour = red']);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown field') });
  });

  it('shows nothing of nothing', async () => {
    expect(await longshore(['ls'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
});

describe('stat', () => {
  it('shows what is known', async () => {
    await longshore(['put', await write('a.txt', 'alpha'), '--label', 'k=v']);
    const ran = await longshore(['stat', 'a.txt']);
    expect(ran.stdout).toMatch(/^Name: {7}tenants\/.*\nCalled: {5}a\.txt\n/);
    expect(ran.stdout).toContain('Size:       5 B (5 bytes)\n');
    expect(ran.stdout).toContain('Labels:     k=v\n');
    const [file] = (await longshore(['stat', 'a.txt', '--json'])).events();
    expect(file).toMatchObject({ displayName: 'a.txt', state: 'ACTIVE', labels: { k: 'v' } });
    expect(await longshore(['stat', 'b.txt'])).toMatchObject({
      code: 1,
      stderr: 'b.txt: There is no file "b.txt".\n',
    });
  });
});

describe('rm', () => {
  it('deletes, and what is gone is a failure unless forced', async () => {
    await longshore(['put', await write('a.txt'), await write('b.txt')]);
    const ran = await longshore(['rm', 'a.txt', 'c.txt', 'b.txt']);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^a\.txt deleted, tenants\/.* \(can be brought back until 2.*\)$/m);
    expect(ran.stderr).toBe('c.txt: There is no file "c.txt".\n');
    expect(await stored()).toEqual([]);
    expect((await stored({ showDeleted: true })).map(({ state }) => state)).toEqual(['DELETED', 'DELETED']);
    expect(await longshore(['rm', 'a.txt', '--force'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('does not guess which of several is meant', async () => {
    const path = await write('a.txt', 'old');
    await longshore(['put', path]);
    await write('a.txt', 'new');
    await longshore(['put', path]);
    const ran = await longshore(['rm', 'a.txt']);
    expect(ran).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Several files are called "a.txt"'),
    });
    expect(await stored()).toHaveLength(2);
    expect((await longshore(['rm', 'a.txt', '--all'])).code).toBe(0);
    expect(await stored()).toEqual([]);
  });

  it('empties a folder only recursively', async () => {
    for (const name of ['x/1.txt', 'x/2.txt', 'y.txt']) await write(name);
    await longshore(['put', join(folder, 'x'), join(folder, 'y.txt')]);
    expect(await longshore(['rm', 'x/'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--recursive'),
    });
    expect((await longshore(['rm', '-r', 'x/'])).code).toBe(0);
    expect(await storedNames()).toEqual(['y.txt']);
  });
});

describe('verify', () => {
  it('says what is good, and fails for what is damaged', async () => {
    await longshore(['put', await write('a.txt', 'alpha'), await write('b.bin', randomBytes(100_000))]);
    const good = await longshore(['verify', 'a.txt', 'b.bin']);
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/^a\.txt is good: 5 B, sha256:[0-9a-f]{64}$/m);
    const [, bad] = await stored();
    const entries = await readdir(server.dataFolder, { recursive: true });
    const blob = entries.find((entry) => entry.endsWith(bad!.sha256))!;
    await writeFile(join(server.dataFolder, blob), randomBytes(100_000));
    const ran = await longshore(['verify', 'a.txt', 'b.bin', '--json']);
    expect(ran.code).toBe(1);
    expect(ran.events().find(({ event }) => event === 'failed')).toMatchObject({
      subject: 'b.bin',
      reason: 'BLOB_CORRUPT',
    });
    expect(ran.events().find(({ event }) => event === 'verify')).toMatchObject({ displayName: 'a.txt' });
  });
});

describe('a command line that makes no sense', () => {
  it.each([
    [['put']],
    [['put', '-']],
    [['put', 'a', 'b', '--name', 'c']],
    [['put', 'a', '--jobs', '0']],
    [['get', 'a', '--jobs', 'many']],
    [['get', 'a', 'b', '--offset', '1']],
    [['ls', '--colour']],
    [['rm']],
  ])('%j does nothing and exits with 2', async (args) => {
    const ran = await longshore(args);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/^error: /);
  });

  it('asking for help is none', async () => {
    const ran = await longshore(['put', '--help']);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('Usage: longshore put [options] <paths...>');
  });
});

describe('stopping', () => {
  it('exits with 130 and says that it can go on', async () => {
    const stop = AbortSignal.abort(new Error('Stopped.'));
    const ran = await longshore(['put', await write('a.txt')], { stop });
    expect(ran).toMatchObject({ code: 130, stderr: 'Stopped. The same command again goes on from here.\n' });
  });
});

describe('without a server', () => {
  it('the failure is one sentence', async () => {
    const ran = await longshore(['ls', '--server', '127.0.0.1:9']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^The server cannot be reached \(.*\)\.\n$/);
  });
});
