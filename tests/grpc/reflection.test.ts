import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { startTestServer } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const server = await startTestServer();
afterAll(() => server.close());

async function buf(...args: string[]): Promise<string> {
  const { stdout } = await run('npx', ['buf', ...args], { timeout: 60_000 });
  return stdout;
}

async function curl(method: string, request: object): Promise<unknown> {
  const url = `http://${server.address}/${method}`;
  const flags = ['--protocol', 'grpc', '--http2-prior-knowledge'];
  return JSON.parse(await buf('curl', ...flags, '-d', JSON.stringify(request), url));
}

test('a client that knows no protos finds the services by reflection and calls them', async () => {
  expect(await curl('longshore.v1.FileService/GetServerInfo', {})).toMatchObject({
    partAlignBytes: '1048576',
  });
  expect(
    await curl('google.longrunning.Operations/ListOperations', { name: 'tenants/a/operations' }),
  ).toEqual({});
});

test('health is served for the server and for each service', async () => {
  for (const service of ['', 'longshore.v1.FileService', 'google.longrunning.Operations']) {
    expect(await curl('grpc.health.v1.Health/Check', { service })).toEqual({ status: 'SERVING' });
  }
});

test('what reflection shows is what the protos say', async () => {
  const made = join(temporaryFolder(), 'descriptors.binpb');
  await buf('build', 'proto', '--as-file-descriptor-set', '--exclude-source-info', '-o', made);
  expect((await readFile(made)).equals(await readFile('proto/descriptors.binpb'))).toBe(true);
});
