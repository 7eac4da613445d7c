import { randomBytes } from 'node:crypto';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { loadConfig, type Config } from '../config.ts';
import { openBlobReader } from '../native/blob-reader.ts';
import { sha256Implementation } from '../native/sha256.ts';
import { writeBlob } from '../native/write-blob.ts';
import { pendingMigrations } from '../postgres/migrations.ts';
import { withDatabase } from './database.ts';

interface Finding {
  check: string;
  ok: boolean;
  says: string;
}

const GIB = 2 ** 30;

/** `longshore doctor`: tries out what the settings promise. Exits with 1 when something would not work. */
export async function doctor(json: boolean): Promise<void> {
  const findings: Finding[] = [];
  const run = async (check: string, act: () => Promise<string>) => {
    try {
      findings.push({ check, ok: true, says: await act() });
    } catch (error) {
      findings.push({ check, ok: false, says: error instanceof Error ? error.message : String(error) });
    }
  };
  let config: Config | undefined;
  await run('settings', async () => {
    config = loadConfig();
    return 'every setting can be read';
  });
  if (config) await checkAll(config, run);
  report(findings, json);
  if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
}

async function checkAll(
  config: Config,
  run: (check: string, act: () => Promise<string>) => Promise<void>,
): Promise<void> {
  const { dataFolder, grpcAddress, httpAddress } = config;
  await run('native core', async () => `SHA-256 runs as ${sha256Implementation()}`);
  await run('data folder', () => checkFolder(dataFolder));
  await run('disk space', async () => {
    const { bavail, bsize } = await statfs(dataFolder);
    const free = bavail * bsize;
    if (free < GIB) throw new Error(`only ${(free / GIB).toFixed(2)} GiB are free below ${dataFolder}`);
    return `${(free / GIB).toFixed(1)} GiB are free`;
  });
  await run('database', async () => {
    let says = '';
    await withDatabase(config, async (url) => {
      const pending = await pendingMigrations({ url });
      says = `answers; ${pending.length} migrations to apply at the next start`;
    });
    return says;
  });
  await run('gRPC address', () => checkAddress(grpcAddress));
  await run('HTTP address', () => checkAddress(httpAddress));
}

/** Stores and reads back a few bytes the way that content is. */
async function checkFolder(dataFolder: string): Promise<string> {
  const folder = join(dataFolder, `doctor-${randomBytes(4).toString('hex')}`);
  await mkdir(folder, { recursive: true });
  try {
    const content = randomBytes(4096);
    const path = join(folder, 'content');
    await writeBlob(path, `${path}.manifest`, content);
    const reader = await openBlobReader(path, `${path}.manifest`);
    try {
      const back = await reader.read(0, content.length);
      if (!back.content.equals(content)) throw new Error('bytes came back other than they were written');
    } finally {
      await reader.close();
    }
    return `${dataFolder} takes, syncs and gives back content`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function checkAddress({ host, port }: { host: string; port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(new Error(`cannot listen on ${host}:${port}: ${error.message}`)));
    server.listen(port, host, () => server.close(() => resolve(`${host}:${port} is free`)));
  });
}

function report(findings: readonly Finding[], json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: findings.every(({ ok }) => ok), findings })}\n`);
    return;
  }
  for (const { check, ok, says } of findings)
    process.stdout.write(`${ok ? 'ok  ' : 'FAIL'} ${check}: ${says}\n`);
}
