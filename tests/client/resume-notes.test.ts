import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ResumeNotes } from '../../src/client/resume-notes.ts';

const KEY = ['put', '127.0.0.1:50051', '/tmp/a.bin'];
let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'longshore-notes-')), 'notes');
});

afterEach(async () => {
  await rm(join(folder, '..'), { recursive: true, force: true });
});

function notes(nowMs = (): number => Date.now()): ResumeNotes {
  return new ResumeNotes(folder, nowMs);
}

async function left(): Promise<string[]> {
  return (await readdir(folder)).map((name) => name.slice(name.lastIndexOf('.') + 1));
}

describe('a note', () => {
  it('is found by the next process that claims the same key', async () => {
    const first = await notes().claim(KEY);
    expect(first?.note).toBeUndefined();
    await first?.write({ upload: 'tenants/a/uploads/b' });
    await first?.letGo();
    expect((await notes().claim(KEY))?.note).toEqual({ upload: 'tenants/a/uploads/b' });
  });

  it('is not found under another key', async () => {
    const first = await notes().claim(KEY);
    await first?.write({ upload: 'x' });
    await first?.letGo();
    expect((await notes().claim([...KEY, 'other']))?.note).toBeUndefined();
  });

  it('is gone with the transfer, and nothing of it is left', async () => {
    const claim = await notes().claim(KEY);
    await claim?.write({ upload: 'x' });
    await claim?.forget();
    expect(await left()).toEqual([]);
  });

  it('may be read by its user alone, for it carries the right to write', async () => {
    const claim = await notes().claim(KEY);
    await claim?.write({ upload: 'x' });
    const [name = ''] = (await readdir(folder)).filter((name) => name.endsWith('.json'));
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('that is torn or of another version counts as none', async () => {
    for (const text of [
      '{"version":1,"note":{"upl',
      '{"version":2,"note":{"upload":"x"}}',
      '[]',
      'x'.repeat(20_000),
    ]) {
      const claim = await notes().claim(KEY);
      await claim?.write({ upload: 'x' });
      const [name = ''] = (await readdir(folder)).filter((name) => name.endsWith('.json'));
      await writeFile(join(folder, name), text);
      await claim?.letGo();
      const next = await notes().claim(KEY);
      expect(next?.note).toBeUndefined();
      await next?.forget();
    }
  });

  it('is swept away after a month', async () => {
    const claim = await notes().claim(KEY);
    await claim?.write({ upload: 'x' });
    await claim?.letGo();
    for (const name of await readdir(folder)) await utimes(join(folder, name), 1, 1);
    const other = await notes().claim(['other']);
    await other?.letGo();
    expect(await left()).toEqual([]);
  });
});

describe('a claim', () => {
  it('is held by one transfer at a time', async () => {
    const first = await notes().claim(KEY);
    expect(await notes().claim(KEY)).toBeUndefined();
    await first?.letGo();
    expect(await notes().claim(KEY)).toBeDefined();
  });

  it('of a living process is respected, of a dead one taken over', async () => {
    const claim = await notes().claim(KEY);
    await claim?.write({ upload: 'x' });
    const [lock = ''] = (await readdir(folder)).filter((name) => name.endsWith('.lock'));
    await claim?.letGo();
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await writeFile(join(folder, lock), String(other.pid));
    expect(await notes().claim(KEY)).toBeUndefined();
    const exited = new Promise((resolve) => other.once('exit', resolve));
    other.kill('SIGKILL');
    await exited;
    expect((await notes().claim(KEY))?.note).toEqual({ upload: 'x' });
  });

  it('works without a folder: nothing is remembered, nothing fails', async () => {
    await writeFile(folder, 'a file where the folder should be');
    const shared = notes();
    const claim = await shared.claim(KEY);
    expect(claim?.note).toBeUndefined();
    await claim?.write({ upload: 'x' });
    expect(await shared.claim(KEY)).toBeUndefined();
    await claim?.forget();
    expect((await shared.claim(KEY))?.note).toBeUndefined();
  });
});
