import { randomInt } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/native/crc32c.ts';
import { inspectPartFile, openPartFile, type PartFile } from '../../src/native/part-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { expectedContent, failureOf, MiB, sampleBytes, writeRange } from './contents.ts';

const root = temporaryFolder();
let count = 0;
const newFolder = (): string => path.join(root, `upload-${(count += 1)}`);
const open = (folder: string, session: string, totalBytes: number | null = null) =>
  openPartFile({ folder, session, exclusive: false, totalBytes });

function spoil(folder: string, offset: number): void {
  const content = openSync(path.join(folder, 'content'), 'r+');
  writeSync(content, Buffer.from('spoilt'), 0, 6, offset);
  closeSync(content);
}

describe('a part file written in any order', () => {
  for (const total of ['known', 'unknown'] as const) {
    it(`has the digests of node:crypto when its size is ${total}`, async () => {
      const content = sampleBytes(9 * MiB + 4321, 5);
      const starts = Array.from({ length: 10 }, (_, i) => i * MiB);
      for (let i = starts.length - 1; i > 0; i -= 1) {
        const j = randomInt(0, i + 1);
        [starts[i], starts[j]] = [starts[j]!, starts[i]!];
      }
      await using file = await open(newFolder(), 'a', total === 'known' ? content.length : null);
      await Promise.all(
        starts.map((start) =>
          writeRange(file, content, start, Math.min(start + MiB, content.length), 300_000),
        ),
      );
      expect(await file.finish(content.length)).toEqual(expectedContent(content));
    });
  }

  it('grows several runs at once', async () => {
    const content = sampleBytes(8 * MiB, 6);
    await using file = await open(newFolder(), 'a', content.length);
    await Promise.all(
      [0, 2, 4, 6].map((start) => writeRange(file, content, start * MiB, (start + 2) * MiB, 123_457)),
    );
    expect(await file.finish(content.length)).toEqual(expectedContent(content));
  });

  it('has few journals however many openings there were, and none goes that somebody may be adding to', async () => {
    const folder = newFolder();
    const content = sampleBytes(3 * MiB);
    const journals = () => readdirSync(folder).filter((name) => name.endsWith('.journal'));
    const writeOn = async (session: string, bytes: number): Promise<void> => {
      await using file = await open(folder, session);
      await writeRange(file, content, file.nextOffset, Math.min(file.nextOffset + bytes, content.length));
      await file.sync();
    };
    for (let session = 0; session < 150; session += 1) await writeOn(`a${session}`, 10_000);
    expect(journals().length).toBeLessThanOrEqual(65);
    const other = await open(folder, 'other');
    expect(other.persisted.size).toBe(150 * 10_000);
    const before = journals();
    for (let session = 0; session < 70; session += 1) await writeOn(`b${session}`, 10_000);
    expect(journals()).toEqual(expect.arrayContaining(before));
    await other.close();
    await writeOn('last', content.length);
    expect(journals()).toEqual(['last.journal']);
    await using file = await openPartFile({ folder, session: 'end', exclusive: true, totalBytes: null });
    expect(file.persisted).toMatchObject({ size: content.length, crc32c: crc32c(content) });
    expect(await file.finish(content.length)).toEqual(expectedContent(content));
  });

  it('persists whole chunks ahead of a gap, and the prefix to the byte', async () => {
    const content = sampleBytes(6 * MiB + 10);
    const folder = newFolder();
    const file = await open(folder, 'a', content.length);
    await writeRange(file, content, 0, 100);
    await writeRange(file, content, 2 * MiB, 3 * MiB + 500);
    await writeRange(file, content, 5 * MiB, content.length);
    const persisted = {
      size: 100,
      crc32c: crc32c(content.subarray(0, 100)),
      ranges: [
        { offset: 0, length: 100 },
        { offset: 2 * MiB, length: MiB },
        { offset: 5 * MiB, length: MiB + 10 },
      ],
    };
    expect(await file.sync()).toEqual(persisted);
    expect(file.nextOffset).toBe(100);
    await file.close();
    expect(await inspectPartFile(folder)).toEqual(persisted);
    await using again = await open(folder, 'b', content.length);
    expect(again.persisted).toEqual(persisted);
    await writeRange(again, content, 100, 2 * MiB, 200_000);
    await writeRange(again, content, 3 * MiB, 5 * MiB, 200_000);
    expect((await again.sync()).crc32c).toBe(crc32c(content));
    expect(await again.finish(content.length)).toEqual(expectedContent(content));
  });

  it('refuses a run that begins within a chunk, and bytes that the digest has passed', async () => {
    await using file = await open(newFolder(), 'a');
    await file.write(0, [sampleBytes(100)], null);
    expect(await failureOf(file.write(MiB + 1, [sampleBytes(1)], null))).toMatchObject({
      code: 'OFFSET_MISMATCH',
      expected: 100,
    });
    expect(await failureOf(file.write(0, [sampleBytes(1)], null))).toMatchObject({
      code: 'OFFSET_MISMATCH',
      expected: 100,
    });
  });

  it('refuses a write over one that is under way', async () => {
    const piece = sampleBytes(MiB);
    await using file = await open(newFolder(), 'a');
    // Long enough to be under way still when the next call is made.
    const first = file.write(
      MiB,
      Array.from({ length: 64 }, () => piece),
      null,
    );
    const second = failureOf(file.write(10 * MiB, [piece], null));
    expect(await second).toMatchObject({ code: 'OFFSET_MISMATCH', offset: 10 * MiB });
    await first;
  });

  it('takes a chunk ahead again, and the last version counts', async () => {
    const content = sampleBytes(3 * MiB);
    await using file = await open(newFolder(), 'a', content.length);
    await file.write(MiB, [sampleBytes(MiB, 99)], null);
    await file.sync();
    await writeRange(file, content, MiB, 3 * MiB);
    await writeRange(file, content, 0, MiB);
    expect(await file.finish(content.length)).toEqual(expectedContent(content));
  });

  it('finds a chunk that changed on disk since it was written, names it, and mends when it comes again', async () => {
    const content = sampleBytes(4 * MiB);
    const folder = newFolder();
    await using file = await open(folder, 'a', content.length);
    await writeRange(file, content, MiB, 4 * MiB);
    await file.sync();
    spoil(folder, 2 * MiB + 77);
    await writeRange(file, content, 0, MiB);
    expect(await failureOf(file.finish(content.length))).toMatchObject({
      code: 'CHUNK_CHANGED',
      chunk: 2,
      offset: 2 * MiB,
    });
    const persisted = {
      size: 2 * MiB,
      crc32c: crc32c(content.subarray(0, 2 * MiB)),
      ranges: [
        { offset: 0, length: 2 * MiB },
        { offset: 3 * MiB, length: MiB },
      ],
    };
    expect(file.persisted).toEqual(persisted);
    expect(await inspectPartFile(folder)).toEqual(persisted);
    await writeRange(file, content, 2 * MiB, 3 * MiB);
    expect(await file.finish(content.length)).toEqual(expectedContent(content));
  });

  it('continues exclusively what was begun in any order', async () => {
    const content = sampleBytes(4 * MiB + 9);
    const folder = newFolder();
    const shared = await open(folder, 'a');
    await writeRange(shared, content, 0, 2 * MiB);
    await writeRange(shared, content, 3 * MiB, 4 * MiB);
    await shared.sync();
    await shared.close();
    await using file = await openPartFile({
      folder,
      session: 'b',
      exclusive: true,
      totalBytes: content.length,
    });
    expect(file.nextOffset).toBe(2 * MiB);
    await writeRange(file, content, 2 * MiB, 3 * MiB);
    expect(file.nextOffset).toBe(4 * MiB);
    await writeRange(file, content, 4 * MiB, content.length);
    expect(await file.finish(content.length)).toEqual(expectedContent(content));
  });

  it('survives random orders, pieces, syncs and reopenings', async () => {
    const content = sampleBytes(7 * MiB + randomInt(1, MiB), randomInt(1, 1000));
    const folder = newFolder();
    let file: PartFile = await open(folder, 's0', content.length);
    for (let round = 1; round <= 6; round += 1) {
      const missing = Array.from({ length: 8 }, (_, i) => i * MiB).filter(
        (start) =>
          !file.persisted.ranges.some(
            (range) => range.offset <= start && start < range.offset + range.length,
          ),
      );
      const chosen = missing.filter(() => (randomInt(0, 3) > 0 && round < 6 ? true : round === 6));
      await Promise.all(
        chosen
          .filter((start) => start >= file.nextOffset)
          .map((start) =>
            writeRange(file, content, start, Math.min(start + MiB, content.length), randomInt(50_000, MiB)),
          ),
      );
      if (round === 6) break;
      await file.sync();
      await file.close();
      file = await open(folder, `s${round}`, content.length);
    }
    expect(await file.finish(content.length)).toEqual(expectedContent(content));
    await file.close();
  });
});

describe('a part file that several openers share', () => {
  it('is finished by one of them with what the others synced', async () => {
    const content = sampleBytes(6 * MiB + 1, 8);
    const folder = newFolder();
    await using a = await open(folder, 'a', content.length);
    await using b = await open(folder, 'b', content.length);
    await Promise.all([
      writeRange(a, content, 0, 3 * MiB + 5),
      writeRange(b, content, 4 * MiB, content.length),
    ]);
    await Promise.all([a.sync(), b.sync()]);
    expect(await failureOf(b.finish(content.length))).toMatchObject({
      code: 'INCOMPLETE',
      offset: 3 * MiB + 5,
    });
    await writeRange(a, content, 3 * MiB + 5, 4 * MiB);
    await a.sync();
    expect(await b.finish(content.length)).toEqual(expectedContent(content));
    const blob = path.join(root, 'shared-blob');
    await b.publish(blob, `${blob}.manifest`);
    expect(readFileSync(blob).equals(content)).toBe(true);
  });

  it('is refused to an exclusive opener', async () => {
    const folder = newFolder();
    await using first = await open(folder, 'a');
    await using second = await open(folder, 'b');
    expect([first.nextOffset, second.nextOffset]).toEqual([0, 0]);
    expect(
      await failureOf(openPartFile({ folder, session: 'c', exclusive: true, totalBytes: null })),
    ).toMatchObject({ code: 'LOCKED' });
  });

  it('never gives digests of a version that another opener wrote over', async () => {
    const content = sampleBytes(3 * MiB, 11);
    const folder = newFolder();
    await using a = await open(folder, 'a', content.length);
    await using b = await open(folder, 'b', content.length);
    await writeRange(a, content, 0, content.length);
    await a.sync();
    await b.write(MiB, [sampleBytes(MiB, 12)], null);
    await b.sync();
    expect(await failureOf(a.finish(content.length))).toMatchObject({
      code: 'CHUNK_CHANGED',
      chunk: 1,
      offset: MiB,
    });
    expect(a.persisted.size).toBe(MiB);
    await writeRange(a, content, MiB, 2 * MiB);
    expect(await a.finish(content.length)).toEqual(expectedContent(content));
  });

  it('trusts no digest of the whole that went over another version than the one on disk', async () => {
    const content = sampleBytes(2 * MiB, 13);
    const folder = newFolder();
    const a = await open(folder, 'a');
    const b = await open(folder, 'b');
    await a.write(0, [sampleBytes(MiB, 14)], null);
    await a.write(MiB, [content.subarray(MiB)], null);
    await a.sync();
    await b.write(0, [content.subarray(0, MiB)], null);
    await b.sync();
    await Promise.all([a.close(), b.close()]);
    await using file = await openPartFile({ folder, session: 'c', exclusive: true, totalBytes: null });
    expect(file.persisted).toMatchObject({ size: 2 * MiB, crc32c: crc32c(content) });
    expect(await file.finish(content.length)).toEqual(expectedContent(content));
  });

  it('keeps the journals of all openers', async () => {
    const folder = newFolder();
    await using a = await open(folder, 'a');
    await using b = await open(folder, 'b');
    await a.write(0, [sampleBytes(10)], null);
    await b.write(MiB, [sampleBytes(MiB)], null);
    await Promise.all([a.sync(), b.sync()]);
    expect(readdirSync(folder).sort()).toEqual(['a.journal', 'b.journal', 'content', 'lock']);
    expect((await inspectPartFile(folder)).ranges).toEqual([
      { offset: 0, length: 10 },
      { offset: MiB, length: MiB },
    ]);
  });
});
