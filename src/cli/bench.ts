import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { InvalidArgumentError, type Command } from 'commander';
import { formatBytes } from './amounts.ts';
import {
  clientCommand,
  runSession,
  type CommandWorld,
  type ConnectionOptions,
  type Session,
} from './session.ts';

interface BenchOptions extends ConnectionOptions {
  readonly mib: number;
  readonly streams: number;
}

const MIB = 2 ** 20;

/** `longshore bench`: how fast this client and that server move content, up and down. */
export function registerBench(program: Command, world: CommandWorld): void {
  clientCommand(program, world, 'bench')
    .description('measure a server: random content up, and down again; it is deleted afterwards')
    .option('--mib <n>', 'MiB for each stream', wholeNumber, 256)
    .option('--streams <n>', 'at the same time', wholeNumber, 1)
    .action(async (options: BenchOptions) => {
      await runSession(world, options, (session) => bench(session, options));
    });
}

async function bench(session: Session, { mib, streams }: BenchOptions): Promise<void> {
  const { client, signal } = session;
  const bytes = mib * MIB * streams;
  const up = await timed(session, () =>
    Promise.all(Array.from({ length: streams }, () => upload(session, mib))),
  );
  try {
    const down = await timed(session, () => Promise.all(up.result.map((name) => download(session, name))));
    report(session, bytes, streams, up.seconds, down.seconds);
  } finally {
    await Promise.all(up.result.map((name) => client.delete(name, { signal })));
  }
}

async function upload({ client, signal }: Session, mib: number): Promise<string> {
  const name = `bench-${randomBytes(8).toString('hex')}`;
  const file = await client.put(content(mib), { name, mediaType: 'application/octet-stream', signal });
  return file.name;
}

async function download({ client, signal }: Session, name: string): Promise<void> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  await client.get(name, nowhere, { signal });
}

/** Content that no server has: one random MiB, made another by a number in front each time it is sent. */
async function* content(mib: number): AsyncGenerator<Buffer> {
  const random = randomBytes(MIB);
  for (let at = 0; at < mib; at += 1) {
    const chunk = Buffer.from(random);
    chunk.writeUInt32LE(at);
    yield chunk;
  }
}

async function timed<T>(session: Session, act: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const startMs = session.nowMs();
  const result = await act();
  return { result, seconds: Math.max(session.nowMs() - startMs, 1) / 1000 };
}

function report(
  session: Session,
  bytes: number,
  streams: number,
  upSeconds: number,
  downSeconds: number,
): void {
  const uploadBytesPerSecond = bytes / upSeconds;
  const downloadBytesPerSecond = bytes / downSeconds;
  session.output.result(
    `up ${formatBytes(uploadBytesPerSecond)}/s, down ${formatBytes(downloadBytesPerSecond)}/s ` +
      `(${formatBytes(bytes)} in ${streams} streams)\n`,
    { bytes, streams, uploadBytesPerSecond, downloadBytesPerSecond },
  );
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('a whole number from 1 on is needed.');
  return Number(text);
}
