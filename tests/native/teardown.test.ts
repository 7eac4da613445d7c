import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeBlob } from '../../src/native/write-blob.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { MiB, sampleBytes } from './contents.ts';

const root = temporaryFolder();
const blob = path.join(root, 'blob');
const script = fileURLToPath(new URL('teardown-worker.ts', import.meta.url));

beforeAll(async () => {
  await writeBlob(blob, `${blob}.manifest`, sampleBytes(4 * MiB));
});

/** A worker that runs the script through tsx; `--import tsx` does not reach workers in Node 20. */
function start(name: string, leave: string): Worker {
  const url = JSON.stringify(pathToFileURL(script).href);
  return new Worker(`import('tsx/esm/api').then(({ tsImport }) => tsImport(${url}, ${url}))`, {
    eval: true,
    workerData: { folder: root, name, blob, leave },
  });
}

const ended = (worker: Worker): Promise<number> =>
  new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));

describe('an environment that goes away with jobs under way', () => {
  it('ends well when a worker is terminated', async () => {
    for (let i = 0; i < 5; i += 1) {
      const worker = start(`terminated-${i}`, 'wait');
      const end = ended(worker);
      await new Promise((resolve) => worker.once('message', resolve));
      await worker.terminate();
      expect(await end).toBe(1);
    }
  });

  it('ends well when a worker exits', async () => {
    expect(await ended(start('exits', 'exit'))).toBe(0);
  });

  it('ends well when the process exits', () => {
    const program = `
      import { Worker } from 'node:worker_threads';
      const { writeBlob } = await import(${JSON.stringify(fileURLToPath(new URL('../../src/native/write-blob.ts', import.meta.url)))});
      for (let i = 0; i < 50; i += 1) void writeBlob(${JSON.stringify(path.join(root, 'exit'))} + i, ${JSON.stringify(path.join(root, 'exit.m'))} + i, Buffer.alloc(1_000_000));
      process.exit(7);`;
    const { status, signal } = spawnSync(process.execPath, [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      program,
    ]);
    expect({ status, signal }).toEqual({ status: 7, signal: null });
  });
});
