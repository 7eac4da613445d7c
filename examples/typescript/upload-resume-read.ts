// Uploads a file, is cut half-way, goes on from where the server is, and reads the file back with proof.
//
//   npx tsx examples/typescript/upload-resume-read.ts 127.0.0.1:50051
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, LongshoreClientError } from 'longshore';

const [address = '127.0.0.1:50051'] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'longshore-example-'));
// Notes of transfers under way usually lie in the user's state folder; an example leaves nothing behind.
const client = connect({ address, tenant: 'default', notesFolder: join(folder, 'notes') });

try {
  const path = join(folder, 'model.bin');
  await writeFile(path, randomBytes(64 * 2 ** 20));

  // The first attempt ends when a quarter is on the server's disk: here by a signal, in life by a network or a crash.
  const cut = new AbortController();
  const first = client.put(path, {
    labels: { example: 'typescript' },
    signal: cut.signal,
    onProgress: ({ phase, bytesDone }) => {
      if (phase === 'sending' && bytesDone >= 16 * 2 ** 20) cut.abort(new Error('cut'));
    },
  });
  await first.catch((error: unknown) => {
    if (error !== cut.signal.reason) throw error;
  });

  // The same call again, also in another process, goes on from what the server acknowledged.
  const file = await client.put(path, { labels: { example: 'typescript' } });
  console.log(`uploaded ${file.name}: ${file.sizeBytes} bytes, resumed at ${file.resumedFromBytes}`);
  if (file.resumedFromBytes === 0) throw new Error('The second upload did not resume the first.');

  // The copy appears whole and proved by its SHA-256, or not at all.
  const copy = join(folder, 'copy.bin');
  const { bytesReceived, sha256 } = await client.get(file.name, copy);
  if (!(await readFile(copy)).equals(await readFile(path))) throw new Error('The copy differs.');
  console.log(`read ${bytesReceived} bytes back: sha256:${sha256}`);

  await client.delete(file.name);
  const gone: unknown = await client.get(file.name, copy).catch((error: unknown) => error);
  if (!(gone instanceof LongshoreClientError)) throw new Error('The deleted file was still read.');
  console.log(`deleted; reading it again is refused: ${gone.reason}`);
} finally {
  client.close();
  await rm(folder, { recursive: true });
}
