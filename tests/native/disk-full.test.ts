import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectPartFile, openPartFile } from '../../src/native/part-file.ts';
import { writeBlob } from '../../src/native/write-blob.ts';
import { smallDisk, smallDiskMissing } from '../support/small-disk.ts';
import { expectedContent, failureOf, MiB, sampleBytes, writeRange } from './contents.ts';

if (smallDiskMissing !== null) process.stderr.write(`full-disk tests not run: ${smallDiskMissing}\n`);

describe.skipIf(smallDiskMissing !== null)('a disk of 8 MiB', () => {
  let disk: ReturnType<typeof smallDisk>;
  beforeEach(() => {
    disk = smallDisk(8 * MiB);
  });
  afterEach(() => disk.unmount());

  const open = (totalBytes: number | null, session = 's') =>
    openPartFile({ folder: path.join(disk.folder, 'upload'), session, exclusive: true, totalBytes });
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(disk.folder);
    return bavail * bsize;
  };

  it('refuses a content that is known to be too large at once, and gives back what it took', async () => {
    expect(await failureOf(open(9 * MiB))).toMatchObject({ code: 'ENOSPC' });
    expect(freeBytes()).toBeGreaterThan(7 * MiB);
  });

  it('keeps room for a content whose size was announced', async () => {
    const content = sampleBytes(5 * MiB);
    await using file = await open(content.length);
    expect(() => writeFileSync(path.join(disk.folder, 'other'), Buffer.alloc(4 * MiB))).toThrow(/ENOSPC/);
    await writeRange(file, content, 0, content.length);
    expect(await file.finish(content.length)).toEqual(expectedContent(content));
  });

  it('fails a write that does not fit, answers nothing but that from then on, and goes on once there is room', async () => {
    const content = sampleBytes(6 * MiB);
    const ballast = path.join(disk.folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc(4 * MiB));
    const file = await open(null);
    await writeRange(file, content, 0, 2 * MiB);
    expect((await file.sync()).size).toBe(2 * MiB);
    expect(await failureOf(writeRange(file, content, 2 * MiB, content.length))).toMatchObject({
      code: 'ENOSPC',
    });
    const calls = [
      file.sync(),
      file.finish(6 * MiB),
      file.write(0, [content], null),
      file.publish('/a', '/b'),
    ];
    for (const failure of await Promise.all(calls.map(failureOf))) expect(failure['code']).toBe('ENOSPC');
    expect(file.persisted.size).toBe(2 * MiB);
    await file.close();
    expect((await inspectPartFile(path.join(disk.folder, 'upload'))).size).toBe(2 * MiB);
    rmSync(ballast);
    await using again = await open(null, 'again');
    await writeRange(again, content, 2 * MiB, content.length);
    expect(await again.finish(content.length)).toEqual(expectedContent(content));
  });

  it('has no room for a whole blob, says so and is left clean', async () => {
    const blob = path.join(disk.folder, 'blobs', 'b');
    expect(await failureOf(writeBlob(blob, `${blob}.manifest`, sampleBytes(9 * MiB)))).toMatchObject({
      code: 'ENOSPC',
    });
    expect(freeBytes()).toBeGreaterThan(7 * MiB);
  });
});
