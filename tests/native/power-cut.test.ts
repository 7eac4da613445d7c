import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openBlobReader } from '../../src/native/blob-reader.ts';
import { crc32c } from '../../src/native/crc32c.ts';
import { openPartFile } from '../../src/native/part-file.ts';
import { faultfs, faultfsMissing } from '../support/faultfs.ts';
import { LoopDisk, loopDiskMissing } from '../support/loop-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { MiB, sampleBytes, sha256, writeRange } from './contents.ts';

const missing = faultfsMissing ?? loopDiskMissing;
if (missing !== null) process.stderr.write(`power cuts not played: ${missing}\n`);

const root = temporaryFolder();
const script = fileURLToPath(new URL('upload-process.ts', import.meta.url));
const content = sampleBytes(3 * MiB + 321);

interface Cut {
  readonly image: string;
  readonly call: string;
  /** What had been promised when the power went. */
  readonly synced: number;
  readonly published: boolean;
}

/** Stops the upload before each of its file calls and keeps what is on the disk then. */
async function cutEverywhere(disk: LoopDisk, log: string): Promise<Cut[]> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, disk.folder, 'first', String(content.length)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...faultfs({ under: disk.folder, faults: 'any:1+:STOP', log }) },
    },
  );
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  let ended = false;
  child.once('close', () => (ended = true));
  const cuts: Cut[] = [];
  while (!ended) {
    if (!isStopped(child.pid ?? 0)) {
      await sleep(1);
      continue;
    }
    await sleep(2); // what it printed before it stopped is on its way
    const calls = readFileSync(log, 'utf8').trim().split('\n');
    const synced = [...out.matchAll(/"synced":(\d+)/g)].map((match) => Number(match[1]));
    cuts.push({
      image: disk.cut(),
      call: calls.at(-1) ?? '',
      synced: Math.max(0, ...synced),
      published: out.includes('"published"'),
    });
    child.kill('SIGCONT');
    while (!ended && readFileSync(log, 'utf8').trim().split('\n').length === calls.length) await sleep(1);
  }
  expect(out).toContain('"published":true');
  cuts.push({ image: disk.cut(), call: 'the end', synced: content.length, published: true });
  return cuts;
}

function isStopped(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && readFileSync(stat, 'utf8').includes(') T ');
}

async function check(folder: string, cut: Cut): Promise<void> {
  const blob = path.join(folder, 'blobs', 'ab', 'blob');
  if (!existsSync(blob)) {
    expect(cut.published, `published before ${cut.call}`).toBe(false);
    await using file = await openPartFile({
      folder: path.join(folder, 'upload'),
      session: 'second',
      exclusive: true,
      totalBytes: content.length,
    });
    expect(file.persisted.size, `acknowledged before ${cut.call}`).toBeGreaterThanOrEqual(cut.synced);
    expect(file.persisted.crc32c).toBe(crc32c(content.subarray(0, file.persisted.size)));
    expect(
      await file.matches(0, [content.subarray(0, file.persisted.size)]),
      `bytes before ${cut.call}`,
    ).toBe(true);
    await writeRange(file, content, file.nextOffset, content.length);
    expect((await file.finish(content.length)).sha256).toBe(sha256(content));
    await file.publish(blob, `${blob}.manifest`);
  }
  await using reader = await openBlobReader(blob, `${blob}.manifest`);
  expect((await reader.read(0, content.length)).content.equals(content), `blob before ${cut.call}`).toBe(
    true,
  );
}

describe.skipIf(missing !== null)('a power cut', () => {
  const disks: LoopDisk[] = [];
  afterAll(() => disks.forEach((disk) => disk.remove()));

  it('before any file call of an upload loses nothing that was acknowledged', async () => {
    const disk = new LoopDisk(48 * MiB);
    disks.push(disk);
    mkdirSync(path.join(disk.folder, 'blobs'));
    execFileSync('sync', ['-f', disk.folder]);
    const log = path.join(root, 'calls');
    writeFileSync(log, '');
    const cuts = await cutEverywhere(disk, log);
    // One before each call, and one at the end.
    expect(cuts.length).toBe(readFileSync(log, 'utf8').trim().split('\n').length + 1);
    expect(cuts.length).toBeGreaterThan(20);
    for (const cut of cuts) await disk.restart(cut.image, (folder) => check(folder, cut));
  }, 300_000);
});
