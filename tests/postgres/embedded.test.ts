import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { findPostgresBinaries } from '../../src/postgres/binaries.ts';
import { createLauncher, runAsFor } from '../../src/postgres/embedded-launch.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/postgres/embedded.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';

const HOLDER = fileURLToPath(new URL('../support/embedded-holder.ts', import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;
const isLinux = process.platform === 'linux';

/** Whether an ordinary user can run this checkout. */
const openToAll = ancestors(HOLDER).every((folder) => (statSync(folder).mode & 0o001) !== 0);

/** Everything here is on one data folder where it can be, since making a new one takes longest. */
const root = await mkdtemp(path.join(tmpdir(), 'lse-'));
await chmod(root, 0o755);
const shared = path.join(root, 'data');
const servers: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});
afterAll(() => rm(root, { recursive: true }));

function ancestors(file: string): string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...ancestors(folder)];
}

async function start(dataFolder = shared, onLog?: (line: string) => void): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataFolder, ...(onLog === undefined ? {} : { onLog }) });
  servers.push(server);
  return server;
}

interface Holder {
  readonly child: ChildProcess;
  /** Of its Postgres. */
  readonly pid: number;
  readonly url: string;
  readonly nextLine: () => Promise<string>;
}

async function startHolder(
  dataFolder: string,
  options: { asNobody?: boolean; env?: NodeJS.ProcessEnv; wrapper?: readonly string[] } = {},
): Promise<Holder> {
  const { asNobody = false, env = process.env, wrapper = [] } = options;
  const [command, ...args] = [...wrapper, process.execPath, '--import', TSX, HOLDER, dataFolder];
  const who = asNobody ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env,
    ...who,
  });
  children.push(child);
  let complaint = '';
  child.stderr?.on('data', (data) => (complaint += String(data)));
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`the holder ended: ${complaint}`);
    return line.value;
  };
  return { child, nextLine, ...(JSON.parse(await nextLine()) as { pid: number; url: string }) };
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<object>(text)).rows;
  } finally {
    await client.end();
  }
}

/** A zombie is dead: whoever adopted it takes its time to look. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isLinux || !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  const untilMs = performance.now() + 15_000;
  while (isAlive(pid)) {
    if (performance.now() > untilMs) throw new Error(`process ${pid} is still there`);
    await delay(10);
  }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('the embedded Postgres', () => {
  it('keeps what it was given from one start to the next, and leaves nothing running', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 1 as n');
    await first.stop();
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    expect((await readdir(shared)).sort()).toEqual(['postgres', 'postgres.lock']);
    const second = await start();
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 1 }]);
    expect(second.url).toBe(first.url);
  });

  it('is durable, serves no TCP, and its everyday role is no superuser', async () => {
    const server = await start();
    const names = [
      'fsync',
      'synchronous_commit',
      'full_page_writes',
      'data_checksums',
      'listen_addresses',
      'is_superuser',
    ];
    const rows = await query(
      server.url,
      names.map((name) => `select current_setting('${name}') as v`).join(' union all '),
    );
    expect(rows).toEqual(['on', 'on', 'on', 'on', '', 'off'].map((v) => ({ v })));
    expect(await query(server.adminUrl, "select current_setting('is_superuser') as v")).toEqual([
      { v: 'on' },
    ]);
  });

  it('is refused to a second longshore on the folder, with the pid of the first', async () => {
    const holder = await startHolder(shared);
    await expect(start()).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
      message: expect.stringContaining(`process ${holder.child.pid}`) as string,
      metadata: { pid: String(holder.child.pid) },
    });
    expect(await query(holder.url, 'select 1 as n')).toEqual([{ n: 1 }]);
    holder.child.kill('SIGTERM');
    await once(holder.child, 'exit');
    await start();
  });

  it('is refused to a second start in the same process too', async () => {
    await start();
    await expect(start()).rejects.toThrow(`process ${process.pid}`);
  });

  it('starts after kill -9 of the process that held it, with everything that was committed', async () => {
    const holder = await startHolder(shared);
    await query(holder.url, 'create table if not exists survivors (n int); insert into survivors values (1)');
    const pool = createPostgres({ url: holder.url });
    try {
      const open = pool.transaction(async (sql) => {
        await sql.query('insert into survivors values (2)');
        await kill(holder.child);
        await sql.query('select pg_sleep(60)');
      });
      await expect(open).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
      const server = await start();
      expect(isAlive(holder.pid)).toBe(false);
      expect(server.url).toBe(holder.url);
      expect((await pool.query('select n from survivors')).rows).toEqual([{ n: 1 }]);
    } finally {
      await pool.close();
    }
  });

  it.runIf(isLinux)('ends with the process that held it, however that dies', async () => {
    const holder = await startHolder(shared);
    await kill(holder.child);
    await untilGone(holder.pid);
  });

  it('stops a server that was left over, before it starts its own', async () => {
    await (await start()).stop();
    const cluster = path.join(shared, 'postgres');
    const binaries = await findPostgresBinaries(path.join(root, 'libraries'));
    const launcher = await createLauncher(binaries, await runAsFor(cluster), cluster);
    const args = ['-D', cluster, '-k', cluster, '-c', 'listen_addresses='];
    const leftover = launcher.spawn(binaries.postgres, args, { tied: false, cwd: cluster });
    children.push(leftover);
    const exited = once(leftover, 'exit');
    for await (const line of createInterface({ input: leftover.stderr as NodeJS.ReadableStream })) {
      if (line.includes('ready to accept')) break;
    }
    const server = await start();
    expect(await exited).toEqual([0, null]);
    expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('starts although the pid that a dead server left is somebody else’s now, and leaves that one alone', async () => {
    await (await start()).stop();
    const stranger = spawn('sleep', ['60']);
    children.push(stranger);
    const file = path.join(shared, 'postgres', 'postmaster.pid');
    await writeFile(file, `${stranger.pid}\n${path.join(shared, 'postgres')}\n1\n5432\n\n\n`);
    await start();
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
  });

  it('is started again when it dies by itself, and the pool with it', async () => {
    const lines: string[] = [];
    const server = await start(shared, (line) => lines.push(line));
    const pool = createPostgres({ url: server.url });
    try {
      await pool.query('select 1');
      const dead = server.pid;
      process.kill(dead, 'SIGKILL');
      await untilGone(dead);
      const untilMs = performance.now() + 15_000;
      for (;;) {
        const answer = await pool.query('select 1 as n').catch((error: unknown) => error);
        if (!(answer instanceof Error)) break;
        expect(answer).toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
        expect(performance.now()).toBeLessThan(untilMs);
        await delay(20);
      }
      expect(server.pid).not.toBe(dead);
      expect(lines.some((line) => line.includes('is started again'))).toBe(true);
    } finally {
      await pool.close();
    }
  });

  it('gone and back under a pool gives DATABASE_UNAVAILABLE, then answers', async () => {
    const server = await start();
    const pool = createPostgres({ url: server.url });
    try {
      const running = pool.query('select pg_sleep(60)');
      const outcome = expect(running).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
      await delay(50);
      await server.stop();
      await outcome;
      await expect(pool.query('select 1')).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
      await start();
      expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
    } finally {
      await pool.close();
    }
  });

  it('outlives Ctrl-C in the terminal until its longshore has drained', async () => {
    const holder = await startHolder(shared);
    process.kill(-(holder.child.pid ?? 0), 'SIGINT');
    expect(JSON.parse(await holder.nextLine())).toEqual({ drained: 42 });
    expect(await once(holder.child, 'exit')).toEqual([0, null]);
    expect(isAlive(holder.pid)).toBe(false);
  });

  it('says what Postgres said when it does not start, and lets go of the folder', async () => {
    await (await start()).stop();
    const file = path.join(shared, 'postgres', 'PG_VERSION');
    const version = await readFile(file, 'utf8');
    await writeFile(file, '9.6\n');
    await expect(start()).rejects.toThrow(/did not start[^]*database files are incompatible with server/);
    await writeFile(file, version);
    await start();
  });

  it('gives up a start that is aborted, and lets go of the folder', async () => {
    const folder = path.join(root, 'aborted');
    const controller = new AbortController();
    const starting = startEmbeddedPostgres({ dataFolder: folder, signal: controller.signal });
    await delay(200);
    controller.abort();
    await expect(starting).rejects.toThrow('aborted');
    // What a first start left half done is not taken for a database.
    const server = await start(folder);
    expect(await query(server.url, 'select current_user as me')).toEqual([{ me: 'longshore' }]);
  });

  it('listens in a short folder elsewhere when the path of its own is too long for a socket, and removes it', async () => {
    const server = await start(path.join(root, 'deep'.repeat(30)));
    const folder = new URL(server.url).searchParams.get('host') ?? '';
    expect(path.dirname(folder)).toBe(tmpdir());
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }]);
    await server.stop();
    await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.runIf(openToAll || !isRoot)(
    'does the same without the programs flock and setpriv, save that it outlives kill -9 until the next start',
    async () => {
      const without = { env: { ...process.env, PATH: '/nonexistent' } };
      const holder = await startHolder(shared, without);
      await expect(startHolder(shared, without)).rejects.toThrow(`process ${holder.child.pid}`);
      await kill(holder.child);
      const next = await startHolder(shared, without);
      expect(isAlive(holder.pid)).toBe(false);
      expect(await query(next.url, 'select 1 as n')).toEqual([{ n: 1 }]);
      next.child.kill('SIGTERM');
      await once(next.child, 'exit');
      expect(isAlive(next.pid)).toBe(false);
    },
  );

  it('names DATABASE_URL on a platform that it does not come for', async () => {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor;
    Object.defineProperty(process, 'platform', { ...platform, value: 'sunos' });
    try {
      await expect(findPostgresBinaries(root)).rejects.toThrow(
        /no embedded Postgres for sunos-.*DATABASE_URL/,
      );
    } finally {
      Object.defineProperty(process, 'platform', platform);
    }
  });
});

describe.runIf(isRoot)('the embedded Postgres, started by root', () => {
  it.runIf(openToAll)('runs as an ordinary user, without privileges where it needs none', async () => {
    const server = await start();
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    expect(status).toMatch(new RegExp(`^Uid:\\s+${NOBODY}\\s+${NOBODY}\\s+${NOBODY}\\s+${NOBODY}$`, 'm'));
    expect(status).toMatch(/^Groups:\s*$/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
  });

  it('works below a folder that only root may enter', async () => {
    const secret = path.join(root, 'secret');
    await mkdir(secret, { mode: 0o700 });
    const server = await start(path.join(secret, 'data'));
    expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }]);
    const { uid, mode } = await stat(path.join(secret, 'data', 'run'));
    expect([uid, mode & 0o777]).toEqual([0, 0o700]);
    await server.stop();
    await start(path.join(secret, 'data'));
  });

  it('says so where root may not lift the permissions that keep Postgres out', async () => {
    const closed = path.join(root, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const wrapper = ['setpriv', '--bounding-set', '-dac_override', '--'];
    const holder = startHolder(path.join(closed, 'data'), { wrapper });
    await expect(holder).rejects.toThrow(/the user that it runs as \(65534\) cannot enter .*DATABASE_URL/);
  });

  it.runIf(openToAll)(
    'goes on as the user that owns the data, where an ordinary user made them',
    async () => {
      const folder = path.join(root, 'ordinary');
      await mkdir(folder);
      await chown(folder, NOBODY, NOBODY);
      const holder = await startHolder(folder, { asNobody: true });
      expect(await query(holder.url, 'select 1 as n')).toEqual([{ n: 1 }]);
      expect(await readFile(`/proc/${holder.child.pid}/status`, 'utf8')).toMatch(
        new RegExp(`^Uid:\\s+${NOBODY}`, 'm'),
      );
      holder.child.kill('SIGTERM');
      await once(holder.child, 'exit');
      const server = await start(folder);
      expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }]);
    },
  );

  it.runIf(openToAll)('is refused to an ordinary user on data that belong to another', async () => {
    const folder = path.join(root, 'of-daemon');
    await mkdir(path.join(folder, 'postgres'), { recursive: true });
    await chown(path.join(folder, 'postgres'), 1, 1);
    await chown(folder, NOBODY, NOBODY);
    await expect(startHolder(folder, { asNobody: true })).rejects.toThrow(
      /belongs to user 1 and we run as user 65534/,
    );
  });
});

if (!isRoot) {
  process.stderr.write(
    'NOT RUN: the tests of the embedded Postgres as root, since these run as an ordinary user.\n',
  );
} else if (!openToAll) {
  process.stderr.write(
    'NOT RUN: the tests of the embedded Postgres as an ordinary user, who cannot enter this checkout.\n',
  );
}
