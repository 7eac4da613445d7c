// A process that holds an embedded Postgres, for tests that kill it. Says {pid, url} when it is up; SIGINT and SIGTERM drain:
// one more statement, one more line, then the end.
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/postgres/embedded.ts';

const server = await startEmbeddedPostgres({ dataFolder: process.argv[2] ?? '' });
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const drain = async (): Promise<void> => {
  const client = new pg.Client(server.url);
  await client.connect();
  const { rows } = await client.query<{ answer: number }>('select 42 as answer');
  await client.end();
  say({ drained: rows[0]?.answer });
  await server.stop();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void drain());
say({ pid: server.pid, url: server.url });
