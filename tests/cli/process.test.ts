import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDelayProxy } from '../../bench/delay-proxy.ts';
import { newTenant, startTestServer, type TestServer } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const MIB = 2 ** 20;
const folder = temporaryFolder();
const tenant = newTenant();
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(async () => {
  await server?.close();
});

function start(args: string[], address = server.address): ChildProcess {
  return spawn(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, ...args], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      XDG_STATE_HOME: join(folder, 'state'),
      LONGSHORE_SERVER: address,
      LONGSHORE_TENANT: tenant,
    },
  });
}

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** `onStdout` hears of all standard output so far, each time there is more. */
async function ended(child: ChildProcess, onStdout?: (stdout: string) => void): Promise<Ended> {
  const result: Ended = { code: -1, stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    result.stdout += text;
    onStdout?.(result.stdout);
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    result.stderr += text;
  });
  [result.code] = (await once(child, 'close')) as [number];
  return result;
}

describe('the longshore program', () => {
  it('takes server and tenant from the environment, content from a pipe, and gives it to one', async () => {
    const bytes = randomBytes(3 * MIB);
    const put = start(['put', '-', '--name', 'piped.bin']);
    put.stdin!.end(bytes);
    expect(await ended(put)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`tenants/${tenant}/files/`),
    });
    const get = start(['get', 'piped.bin', '--output', '-']);
    const chunks: Buffer[] = [];
    get.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [code] = (await once(get, 'close')) as [number];
    expect(code).toBe(0);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  it('exits with 1 when something failed and with 2 when it was called wrongly', async () => {
    const failed = await ended(start(['stat', 'nothing']));
    expect(failed).toEqual({ code: 1, stdout: '', stderr: 'nothing: There is no file "nothing".\n' });
    const wrong = await ended(start(['put']));
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: missing required argument/),
    });
  });

  it('is not upset by a reader that has seen enough', async () => {
    for (let i = 0; i < 5; i++) await ended(startPutOf(`f${i}`, Buffer.from(String(i))));
    const ls = start(['ls']);
    const outcome = ended(ls);
    ls.stdout!.destroy();
    expect(await outcome).toEqual({ code: 1, stdout: '', stderr: '' });
  });

  it('stopped by Ctrl-C exits with 130, and the same command goes on', async () => {
    const path = join(folder, 'long.bin');
    await writeFile(path, randomBytes(48 * MIB));
    const slow = await startDelayProxy({ targetPort: server.port, delayMs: 0, bytesPerSecond: 16 * MIB });
    try {
      const put = start(['put', path, '--json'], `127.0.0.1:${slow.port}`);
      const stopped = await ended(put, (stdout) => {
        const done = [...stdout.matchAll(/"phase":"transfer","bytesDone":(\d+)/g)].at(-1)?.[1];
        if (Number(done ?? 0) >= 8 * MIB && !put.killed) put.kill('SIGINT');
      });
      expect(stopped).toMatchObject({ code: 130, stderr: '' });
      expect(stopped.stdout).toMatch(/\{"event":"stopped"\}\n$/);
      const again = await ended(start(['put', path], `127.0.0.1:${slow.port}`));
      expect(again).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/\(resumed at \d+(\.\d)? MiB\)/),
      });
    } finally {
      await slow.close();
    }
  });
});

function startPutOf(name: string, bytes: Buffer): ChildProcess {
  const put = start(['put', '-', '--name', name]);
  put.stdin!.end(bytes);
  return put;
}
