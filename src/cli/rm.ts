import type { Command } from 'commander';
import { LongshoreClientError, type File } from '../client/client.ts';
import { findFiles, type Found } from './find-files.ts';
import { printable } from './printable.ts';
import {
  clientCommand,
  runSession,
  type CommandWorld,
  type ConnectionOptions,
  type Session,
} from './session.ts';

interface RmCommandOptions extends ConnectionOptions {
  readonly force?: boolean;
  readonly recursive?: boolean;
  readonly all?: boolean;
}

/** `longshore rm <names...>` */
export function registerRm(program: Command, world: CommandWorld): void {
  clientCommand(program, world, 'rm <names...>')
    .description('delete files; nothing is asked, and until they are purged they can be brought back')
    .option('-f, --force', 'what is not there is no failure')
    .option('-r, --recursive', 'for "folder/": everything whose name begins with it')
    .option('--all', 'every file of a name that several have')
    .action(async (names: string[], options: RmCommandOptions) => {
      await runSession(world, options, (session) => removeAll(session, names, options));
    });
}

async function removeAll(
  session: Session,
  names: readonly string[],
  options: RmCommandOptions,
): Promise<void> {
  const { client, output, signal } = session;
  for (const name of names) {
    try {
      for await (const file of chosen(name, await findFiles(session, name), options)) {
        const deleted = await client.delete(file.name, { allowMissing: options.force ?? false, signal });
        const until = file.purgeTime ?? deleted.purgeTime;
        const how = until === null ? '' : ` (can be brought back until ${until.toISOString()})`;
        output.result(`${printable(file.displayName)} deleted, ${file.name}${how}`, {
          event: 'rm',
          subject: name,
          file: deleted,
        });
      }
    } catch (error) {
      if (signal.aborted) return;
      const missing = error instanceof LongshoreClientError && error.code === 'NOT_FOUND';
      if (!(missing && options.force === true)) output.failed(name, error);
    }
  }
}

/** What is meant by the argument, as far as it can be meant without a doubt. */
async function* chosen(
  name: string,
  found: Found,
  options: RmCommandOptions,
): AsyncGenerator<File, void, undefined> {
  if (found.kind === 'folder') {
    if (options.recursive !== true) throw new Error('This is a folder; --recursive deletes what is in it.');
    yield* found.files;
    return;
  }
  const files = [found.file, ...found.namesakes];
  if (files.length > 1 && options.all !== true) {
    const list = files.map((file) => file.name).join(', ');
    throw new Error(`Several files are called "${name}" (${list}); name the one, or give --all.`);
  }
  yield* files;
}
