import type { Command } from 'commander';
import type { File } from '../client/client.ts';
import { formatBytes } from './amounts.ts';
import { eachFound, findFiles } from './find-files.ts';
import { printable } from './printable.ts';
import { runJobs } from './run-jobs.ts';
import {
  clientCommand,
  runSession,
  wholeNumber,
  type CommandWorld,
  type ConnectionOptions,
  type Session,
} from './session.ts';

const JOBS_DEFAULT = 2;
const JOBS_MAX = 64;

interface VerifyCommandOptions extends ConnectionOptions {
  readonly repair?: boolean;
  readonly jobs: number;
}

/** `longshore verify <names...>` */
export function registerVerify(program: Command, world: CommandWorld): void {
  clientCommand(program, world, 'verify <names...>')
    .description('have the server read files again and compare them with their digests')
    .option('--repair', 'mend what is bad from another copy where there is one')
    .option('--jobs <n>', 'files at the same time', wholeNumber(1, JOBS_MAX), JOBS_DEFAULT)
    .action(async (names: string[], options: VerifyCommandOptions) => {
      await runSession(world, options, (session) =>
        runJobs(found(session, names), options.jobs, session.signal, (file) =>
          verify(session, file, options),
        ),
      );
    });
}

async function* found(session: Session, names: readonly string[]): AsyncGenerator<File, void, undefined> {
  for (const name of names) {
    try {
      yield* eachFound(await findFiles(session, name));
    } catch (error) {
      if (session.signal.aborted) return;
      session.output.failed(name, error);
    }
  }
}

async function verify(session: Session, file: File, options: VerifyCommandOptions): Promise<void> {
  const { client, output, signal } = session;
  try {
    await client.verify(file.name, { repair: options.repair ?? false, signal });
    const { name, displayName, sha256, sizeBytes } = file;
    output.result(`${printable(displayName)} is good: ${formatBytes(sizeBytes)}, sha256:${sha256}`, {
      event: 'verify',
      name,
      displayName,
      sha256,
      sizeBytes,
    });
  } catch (error) {
    if (!signal.aborted) output.failed(file.displayName, error);
  }
}
