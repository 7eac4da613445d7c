import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openBlobReader } from '../../src/native/blob-reader.ts';
import { crc32c } from '../../src/native/crc32c.ts';
import { inspectPartFile } from '../../src/native/part-file.ts';
import { faultfs, faultfsMissing, type Faults } from '../support/faultfs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { MiB, sampleBytes, sha256 } from './contents.ts';

const root = temporaryFolder();
const script = fileURLToPath(new URL('upload-process.ts', import.meta.url));
const content = sampleBytes(3 * MiB + 321);

interface Line {
  resumed?: number;
  crc32c?: number;
  synced?: number;
  finished?: string;
  published?: boolean;
  failed?: string;
  again?: string[];
}

/** Runs the upload in `folder`; with faults if given. Returns what it promised and the signal that ended it. */
async function upload(
  folder: string,
  session: string,
  faults?: Omit<Faults, 'under'>,
): Promise<{ lines: Line[]; signal: string | null }> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, folder, session, String(content.length)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...(faults === undefined ? {} : faultfs({ under: folder, ...faults })) },
    },
  );
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const signal = await new Promise<string | null>((resolve, reject) => {
    child.once('error', reject).once('close', (_code, killedBy) => resolve(killedBy));
  });
  const lines = out.split('\n').filter((line) => line !== '');
  return { lines: lines.map((line) => JSON.parse(line) as Line), signal };
}

function newFolder(name: string): string {
  const folder = path.join(root, name);
  mkdirSync(path.join(folder, 'blobs'), { recursive: true });
  return folder;
}

const lastSynced = (lines: Line[]): number => Math.max(0, ...lines.map((line) => line.synced ?? 0));

async function checkPublished(folder: string): Promise<void> {
  const blob = path.join(folder, 'blobs', 'ab', 'blob');
  await using reader = await openBlobReader(blob, `${blob}.manifest`);
  expect(reader.sha256).toBe(sha256(content));
  expect((await reader.read(0, content.length)).content.equals(content)).toBe(true);
}

if (faultfsMissing !== null) process.stderr.write(`fault tests not run: ${faultfsMissing}\n`);

describe.skipIf(faultfsMissing !== null)('a part file whose process is killed', () => {
  it('keeps what was acknowledged, whatever call it was killed before, and is finished by the next', async () => {
    const log = path.join(root, 'calls');
    const { lines } = await upload(newFolder('unharmed'), 's', { log });
    expect(lines.at(-1)).toEqual({ published: true });
    const calls = readFileSync(log, 'utf8').trim().split('\n');
    expect(calls.map((line) => line.split(' ')[1])).toEqual(
      expect.arrayContaining(['fallocate', 'pwrite', 'fdatasync', 'rename', 'fsync', 'mkdir']),
    );
    await inPairs(calls.length, async (n) => {
      const folder = newFolder(`kill-${n}`);
      const killed = await upload(folder, 'first', { faults: `any:${n}:KILL` });
      expect(killed.signal).toBe('SIGKILL');
      const persisted = await inspectPartFile(path.join(folder, 'upload'));
      const published = existsSync(path.join(folder, 'blobs', 'ab', 'blob'));
      if (!published) expect(persisted.size).toBeGreaterThanOrEqual(lastSynced(killed.lines));
      const next = await upload(folder, 'second');
      if (!published)
        expect(next.lines[0]).toEqual({
          resumed: persisted.size,
          crc32c: crc32c(content.subarray(0, persisted.size)),
        });
      expect(next.lines.at(-1)).toEqual({ published: true });
      await checkPublished(folder);
    });
  }, 300_000);
});

describe.skipIf(faultfsMissing !== null)('publishing', () => {
  it('takes its steps in the documented order', async () => {
    const log = path.join(root, 'calls-in-order');
    await upload(newFolder('in-order'), 's', { log });
    const calls = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.replace(/^\d+ /, '').trimEnd());
    expect(calls.slice(calls.indexOf('fsync /upload/content'))).toEqual([
      'fsync /upload/content',
      'pwrite /upload/manifest',
      'fsync /upload/manifest',
      'mkdir /blobs/ab',
      'fsync /blobs',
      'rename /blobs/ab/blob.manifest',
      'rename /blobs/ab/blob',
      'fsync /blobs/ab',
      'fsync /upload',
    ]);
  });
});

describe.skipIf(faultfsMissing !== null)('a part file whose file calls fail', () => {
  for (const call of ['pwrite', 'fdatasync', 'fsync', 'rename', 'fallocate', 'mkdir']) {
    it(`acknowledges nothing after a failed ${call}, and loses nothing that was acknowledged`, async () => {
      const log = path.join(root, `calls-of-${call}`);
      await upload(newFolder(`count-${call}`), 's', { log });
      const times = readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.split(' ')[1] === call).length;
      expect(times).toBeGreaterThan(0);
      await inPairs(times, async (n) => {
        const folder = newFolder(`${call}-${n}`);
        // Once only: that the next call would succeed must not help.
        const failed = await upload(folder, 'first', { faults: `${call}:${n}:EIO` });
        const opened = failed.lines.some((line) => line.resumed !== undefined);
        expect(failed.lines.at(-1)).toEqual({
          failed: 'EIO',
          again: opened ? ['EIO', 'EIO', 'EIO', 'EIO'] : [],
        });
        expect((await inspectPartFile(path.join(folder, 'upload'))).size).toBeGreaterThanOrEqual(
          existsSync(path.join(folder, 'upload', 'content')) ? lastSynced(failed.lines) : 0,
        );
        const next = await upload(folder, 'second');
        expect(next.lines.at(-1)).toEqual({ published: true });
        await checkPublished(folder);
      });
    }, 300_000);
  }

  it('carries on short and interrupted writes', async () => {
    const folder = newFolder('short');
    const { lines } = await upload(folder, 's', {
      faults: 'pwrite:1:SHORT,pwrite:2:EINTR,pwrite:4+:SHORT,fdatasync:1:EINTR',
    });
    expect(lines.at(-1)).toEqual({ published: true });
    await checkPublished(folder);
  });
});

/** Calls `each` with 1 to n, two at a time. */
async function inPairs(n: number, each: (i: number) => Promise<void>): Promise<void> {
  let next = 1;
  const worker = async (): Promise<void> => {
    while (next <= n) await each(next++);
  };
  await Promise.all([worker(), worker()]);
}
