import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sourceFiles } from '../../src/cli/source-files.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-sources-'));
  await mkdir(join(folder, 'photos', '2026'), { recursive: true });
  await writeFile(join(folder, 'photos', 'b.jpg'), 'b');
  await writeFile(join(folder, 'photos', '2026', 'a.jpg'), 'aa');
  await writeFile(join(folder, 'note.txt'), '');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function found(
  paths: string[],
  options: { follow?: boolean; prefix?: string } = {},
): Promise<string[]> {
  const lines: string[] = [];
  for await (const source of sourceFiles(paths, { follow: false, prefix: '', ...options })) {
    if (source.kind === 'file') lines.push(`${source.name} ${source.sizeBytes}`);
    else lines.push(`${source.path.slice(folder.length + 1)} ${source.why}`);
  }
  return lines;
}

describe('files to upload', () => {
  it('are called by their last part', async () => {
    expect(await found([join(folder, 'photos', 'b.jpg'), join(folder, 'note.txt')])).toEqual([
      'b.jpg 1',
      'note.txt 0',
    ]);
  });

  it('in a folder keep their place in it, in the order of their names', async () => {
    const expected = ['photos/2026/a.jpg 2', 'photos/b.jpg 1'];
    expect(await found([join(folder, 'photos')])).toEqual(expected);
    expect(await found([join(folder, 'photos/')])).toEqual(expected);
    expect(await found([join(folder, 'photos', '2026', '..')])).toEqual(expected);
  });

  it('get the prefix before all', async () => {
    expect(await found([join(folder, 'photos', '2026')], { prefix: 'x/' })).toEqual(['x/2026/a.jpg 2']);
  });

  it('in "." are called by their place alone', async () => {
    const script = `
      const { sourceFiles } = await import(${JSON.stringify(new URL('../../src/cli/source-files.ts', import.meta.url).href)});
      for await (const { name } of sourceFiles(['.'], { follow: false, prefix: '' })) console.log(name);`;
    const output = execFileSync(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script],
      { cwd: folder, encoding: 'utf8' },
    );
    expect(output.trim().split('\n')).toEqual(['note.txt', 'photos/2026/a.jpg', 'photos/b.jpg']);
  });
});

describe('what is refused', () => {
  it('is what is not there', async () => {
    expect(await found([join(folder, 'gone'), join(folder, 'note.txt')])).toEqual([
      'gone is not there',
      'note.txt 0',
    ]);
  });

  it('is a symlink, unless told to follow it', async () => {
    await symlink(join(folder, 'photos'), join(folder, 'link'));
    expect(await found([join(folder, 'link')])).toEqual([
      'link is a symlink; --follow uploads what it points to',
    ]);
    expect(await found([`${join(folder, 'link')}/`])).toEqual([
      'link/ is a symlink; --follow uploads what it points to',
    ]);
    expect(await found([join(folder, 'link')], { follow: true })).toEqual([
      'link/2026/a.jpg 2',
      'link/b.jpg 1',
    ]);
  });

  it('is a circle of symlinks', async () => {
    await symlink(join(folder, 'photos'), join(folder, 'photos', '2026', 'again'));
    expect(await found([join(folder, 'photos')], { follow: true })).toEqual([
      'photos/2026/a.jpg 2',
      'photos/2026/again is a folder that contains itself',
      'photos/b.jpg 1',
    ]);
    await symlink('round', join(folder, 'round'));
    expect(await found([join(folder, 'round')], { follow: true })).toEqual([
      'round is a symlink that leads round in a circle',
    ]);
  });

  it('is a pipe, a device and a socket, also when following', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(await found([join(folder, 'pipe')], { follow: true })).toEqual(['pipe is a pipe, not a file']);
    const [device] = await found(['/dev/null']);
    expect(device).toContain('is a device, not a file');
  });
});
