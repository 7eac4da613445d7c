import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/native/crc32c.ts';
import { readManifest } from '../../src/native/manifest.ts';
import { inspectPartFile, openPartFile } from '../../src/native/part-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { expectedContent, failureOf, MiB, sampleBytes, writeRange } from './contents.ts';

const root = temporaryFolder();
let count = 0;
const newFolder = (): string => path.join(root, `upload-${(count += 1)}`);
const open = (folder: string, totalBytes: number | null = null, session = 'first') =>
  openPartFile({ folder, session, exclusive: true, totalBytes });

describe('a part file written in order', () => {
  for (const size of [0, 1, 63, 64, 65_535, 65_536, MiB - 1, MiB, MiB + 1, 3 * MiB + 70_001]) {
    it(`has the digests of node:crypto for ${size} bytes`, async () => {
      const content = sampleBytes(size);
      await using file = await open(newFolder(), size);
      await writeRange(file, content, 0, size, 100_003);
      expect(await file.finish(size)).toEqual(expectedContent(content));
    });
  }

  it('takes pieces of any size in any number of segments', async () => {
    const content = sampleBytes(2 * MiB + 12_345, 7);
    await using file = await open(newFolder());
    for (let offset = 0; offset < content.length;) {
      const piece = content.subarray(offset, offset + randomInt(1, 200_000));
      const cut = randomInt(0, piece.length + 1);
      await file.write(
        offset,
        [piece.subarray(0, cut), new Uint8Array(0), piece.subarray(cut)],
        crc32c(piece),
      );
      offset += piece.length;
      expect(file.nextOffset).toBe(offset);
    }
    expect(await file.finish(content.length)).toEqual(expectedContent(content));
  });

  it('is published with a manifest, and leaves no content behind', async () => {
    const content = sampleBytes(MiB + 5);
    const folder = newFolder();
    const blob = path.join(root, 'aa', 'published');
    await using file = await open(folder, content.length);
    await writeRange(file, content, 0, content.length);
    const finished = await file.finish(content.length);
    await file.publish(blob, `${blob}.manifest`);
    await file.publish(blob, `${blob}.manifest`);
    expect(readFileSync(blob).equals(content)).toBe(true);
    expect(await readManifest(`${blob}.manifest`)).toMatchObject({
      ...finished,
      chunkBytes: MiB,
      blockBytes: 65_536,
    });
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('writes no journal when it is finished in one go', async () => {
    const folder = newFolder();
    await using file = await open(folder);
    await writeRange(file, sampleBytes(100), 0, 100);
    await file.finish(100);
    expect(readdirSync(folder).filter((name) => name.endsWith('.journal'))).toEqual([]);
  });

  it('refuses a piece whose CRC is wrong, and carries on from the same place', async () => {
    const content = sampleBytes(300_000);
    await using file = await open(newFolder());
    await writeRange(file, content, 0, 100_000);
    const wrong = file.write(100_000, [content.subarray(100_000, 200_000)], 12_345);
    const behind = file.write(200_000, [content.subarray(200_000)], null);
    expect(await failureOf(wrong)).toMatchObject({
      code: 'CHUNK_CORRUPT',
      offset: 100_000,
      expected: 12_345,
      actual: crc32c(content.subarray(100_000, 200_000)),
    });
    // Queued behind the bad one, or come when that was refused already.
    expect(['ABORTED', 'OFFSET_MISMATCH']).toContain((await failureOf(behind))['code']);
    expect(file.nextOffset).toBe(100_000);
    await writeRange(file, content, 100_000, 300_000, 50_000);
    expect(await file.finish(300_000)).toEqual(expectedContent(content));
  });

  it('refuses a gap and a step back, and says where it goes on', async () => {
    await using file = await open(newFolder());
    await file.write(0, [sampleBytes(10)], null);
    for (const offset of [5, 11, MiB]) {
      expect(await failureOf(file.write(offset, [sampleBytes(10)], null))).toMatchObject({
        code: 'OFFSET_MISMATCH',
        offset,
        expected: 10,
      });
    }
    expect(file.nextOffset).toBe(10);
  });

  it('refuses bytes beyond the announced size', async () => {
    await using file = await open(newFolder(), 10);
    expect(await failureOf(file.write(0, [sampleBytes(11)], null))).toMatchObject({
      code: 'SIZE_MISMATCH',
      expected: 10,
    });
  });

  it('compares overlapping bytes with what is there', async () => {
    const content = sampleBytes(MiB);
    await using file = await open(newFolder());
    await writeRange(file, content, 0, content.length, 300_000);
    const other = Buffer.from(content.subarray(1000, 2000));
    expect(await file.matches(1000, [content.subarray(1000, 5000), content.subarray(5000, 700_000)])).toBe(
      true,
    );
    other[999]! ^= 1;
    expect(await file.matches(1000, [other])).toBe(false);
    expect(await file.matches(MiB - 1, [content.subarray(MiB - 1), Buffer.from([0])])).toBe(false);
    expect(await file.matches(MiB, [])).toBe(true);
  });

  it('does not finish while bytes are missing, and says which', async () => {
    await using file = await open(newFolder(), 200);
    await file.write(0, [sampleBytes(150)], null);
    expect(await failureOf(file.finish(200))).toMatchObject({
      code: 'INCOMPLETE',
      offset: 150,
      expected: 200,
    });
    await file.write(150, [sampleBytes(50)], null);
    await file.finish(200);
  });

  it('does not finish with fewer bytes than were written', async () => {
    await using file = await open(newFolder());
    await file.write(0, [sampleBytes(150)], null);
    expect(await failureOf(file.finish(149))).toMatchObject({
      code: 'SIZE_MISMATCH',
      expected: 150,
      actual: 149,
    });
  });

  it('takes nothing more once it is finished or closed', async () => {
    const file = await open(newFolder());
    await file.write(0, [sampleBytes(1)], null);
    await file.finish(1);
    expect(await failureOf(file.write(1, [sampleBytes(1)], null))).toMatchObject({ code: 'CLOSED' });
    await file.close();
    await file.close();
    const calls = [file.sync(), file.finish(1), file.matches(0, [sampleBytes(1)]), file.publish('/x', '/y')];
    for (const failure of await Promise.all(calls.map(failureOf))) expect(failure['code']).toBe('CLOSED');
  });

  it('lets in one exclusive opener at a time', async () => {
    const folder = newFolder();
    const file = await open(folder);
    expect(await failureOf(open(folder, null, 'second'))).toMatchObject({ code: 'LOCKED' });
    await file.close();
    await (await open(folder, null, 'second')).close();
  });

  it('names the system error and the path when it cannot be opened', async () => {
    const error = await failureOf(open(path.join(root, 'no', 'such', 'parent')));
    expect(error).toMatchObject({ code: 'ENOENT', errno: -2 });
    expect(error.message).toContain('make folder');
    expect(existsSync(path.join(root, 'no'))).toBe(false);
  });
});

describe('a part file taken up again', () => {
  it('goes on from the last sync, at any byte, without reading again', async () => {
    const content = sampleBytes(4 * MiB + 333, 3);
    const folder = newFolder();
    let from = 0;
    for (const to of [1, 70_001, MiB, 2 * MiB + 17, 3 * MiB + 65_536]) {
      const file = await open(folder, content.length, `session-${to}`);
      expect(file.nextOffset).toBe(from);
      await writeRange(file, content, from, to, 99_999);
      const persisted = await file.sync();
      expect(persisted).toEqual({
        size: to,
        crc32c: crc32c(content.subarray(0, to)),
        ranges: [{ offset: 0, length: to }],
      });
      expect(file.persisted).toEqual(persisted);
      // Written but not synced: lost knowingly.
      await writeRange(file, content, to, to + 10_000);
      await file.close();
      expect(await inspectPartFile(folder)).toEqual(persisted);
      from = to;
    }
    await using file = await open(folder, content.length, 'last');
    expect(file.persisted.size).toBe(from);
    await writeRange(file, content, from, content.length);
    expect(await file.finish(content.length)).toEqual(expectedContent(content));
  });

  it('keeps one journal in an exclusive folder, whatever the number of openings', async () => {
    const content = sampleBytes(5000);
    const folder = newFolder();
    for (let i = 0; i < 5; i += 1) {
      await using file = await open(folder, null, `s${i}`);
      await writeRange(file, content, i * 1000, (i + 1) * 1000);
      await file.sync();
    }
    expect(readdirSync(folder).sort()).toEqual(['content', 'lock', 's4.journal']);
  });

  it('cuts what a dead writer left beyond the last sync', async () => {
    const content = sampleBytes(50_000);
    const folder = newFolder();
    const dead = await open(folder);
    await writeRange(dead, content, 0, 30_000);
    await dead.sync();
    await dead.write(30_000, [sampleBytes(90_000, 9)], null);
    await dead.close();
    await using file = await open(folder, null, 'second');
    await writeRange(file, content, 30_000, 50_000);
    await file.finish(50_000);
    const blob = path.join(root, 'cut');
    await file.publish(blob, `${blob}.manifest`);
    expect(readFileSync(blob).equals(content)).toBe(true);
  });

  it('shares one sync among callers that come at once', async () => {
    const content = sampleBytes(3 * MiB);
    await using file = await open(newFolder(), content.length);
    const writes = writeRange(file, content, 0, content.length, 500_000);
    const syncs = await Promise.all(Array.from({ length: 20 }, () => file.sync()));
    await writes;
    expect(syncs.map((persisted) => persisted.size)).toEqual(syncs.map(() => content.length));
  });

  it('is empty when the folder is not there, and when another total is announced it is refused', async () => {
    const folder = newFolder();
    expect(await inspectPartFile(folder)).toEqual({ size: 0, crc32c: 0, ranges: [] });
    const file = await open(folder, 100);
    await file.write(0, [sampleBytes(10)], null);
    await file.sync();
    await file.close();
    expect(await failureOf(open(folder, 101))).toMatchObject({
      code: 'SIZE_MISMATCH',
      expected: 100,
      actual: 101,
    });
  });
});
