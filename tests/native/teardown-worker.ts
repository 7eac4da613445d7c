// A worker that begins everything at once and never waits for it.
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { frameBytes, openBlobReader } from '../../src/native/blob-reader.ts';
import { openPartFile } from '../../src/native/part-file.ts';
import { hashContent } from '../../src/native/sha256.ts';
import { verifyBlob } from '../../src/native/verify-blob.ts';
import { MiB, sampleBytes } from './contents.ts';

const { folder, name, blob, leave } = workerData as {
  folder: string;
  name: string;
  blob: string;
  leave: string;
};
const content = sampleBytes(4 * MiB);
const ignored = (promise: Promise<unknown>) => void promise.catch(() => null);

const file = await openPartFile({
  folder: path.join(folder, name),
  session: 's',
  exclusive: false,
  totalBytes: null,
});
const reader = await openBlobReader(blob, `${blob}.manifest`);
for (let i = 20; i >= 0; i -= 1) ignored(file.write(i * 4 * MiB, [content], null));
for (let i = 0; i < 20; i += 1) ignored(reader.readFrame(0, 4 * MiB, Buffer.alloc(frameBytes(4 * MiB))));
const signal = new AbortController().signal;
ignored(verifyBlob(blob, `${blob}.manifest`, { signal, whole: true, bytesPerSecondMax: 1 }));
ignored(verifyBlob(blob, `${blob}.manifest`, { signal, whole: false }));
ignored(hashContent(content));
ignored(file.sync());
ignored(file.finish(84 * MiB));
if (leave === 'exit') process.exit(0);
parentPort?.postMessage('begun');
