import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import path from 'node:path';
import { expect, it } from 'vitest';
import { startServerProcess } from '../support/server-process.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
const script = fileURLToPath(new URL('../../examples/run.sh', import.meta.url));

// Their packages are fetched and compiled the first time.
const TIMEOUT_MS = 300_000;

it(
  'the examples in TypeScript, Python and Go upload, resume and read',
  async () => {
    await using database = await createTestDatabase({ empty: true });
    await using server = await startServerProcess({
      dataFolder: path.join(folder, 'data'),
      databaseUrl: database.url,
    });
    const { stdout } = await promisify(execFile)('sh', [script, server.address]);
    expect(stdout).toContain('All examples ran.');
  },
  TIMEOUT_MS,
);
