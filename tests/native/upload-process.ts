// A process of its own that receives one content as a server would, for tests that make its file calls fail or kill it.
// Prints one JSON line for each thing that was promised: {"synced": bytes}, {"published": true}. After a failure it tries
// everything once more on the same object and prints what came of that: {"failed": code, "again": [code or "ok", ...]}.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { crc32c } from '../../src/native/crc32c.ts';
import { openPartFile, type PartFile } from '../../src/native/part-file.ts';
import { MiB, sampleBytes } from './contents.ts';

const [root = '', session = '', bytes = '0'] = process.argv.slice(2);
const content = sampleBytes(Number(bytes));
const blob = path.join(root, 'blobs', 'ab', 'blob');
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? error);

let file: PartFile | null = null;
try {
  if (!existsSync(blob)) {
    file = await openPartFile({
      folder: path.join(root, 'upload'),
      session,
      exclusive: true,
      totalBytes: content.length,
    });
    say({ resumed: file.persisted.size, crc32c: file.persisted.crc32c });
    for (let offset = file.nextOffset; offset < content.length; offset += 700_000) {
      const piece = content.subarray(offset, offset + 700_000);
      await file.write(offset, [piece], crc32c(piece));
      if (offset % (2 * MiB) < 700_000) say({ synced: (await file.sync()).size });
    }
    const { sha256 } = await file.finish(content.length);
    say({ finished: sha256 });
    await file.publish(blob, `${blob}.manifest`);
  }
  say({ published: true });
} catch (error) {
  const again: Promise<unknown>[] = [];
  if (file !== null) {
    again.push(file.sync(), file.finish(content.length), file.publish(blob, `${blob}.manifest`));
    again.push(file.write(file.nextOffset, [content.subarray(0, 1)], null));
  }
  const results = await Promise.allSettled(again);
  say({
    failed: codeOf(error),
    again: results.map((result) => (result.status === 'rejected' ? codeOf(result.reason) : 'ok')),
  });
} finally {
  await file?.close();
}
