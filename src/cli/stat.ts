import type { Command } from 'commander';
import type { File } from '../client/client.ts';
import { formatBytes } from './amounts.ts';
import { eachFound, findFiles } from './find-files.ts';
import { printable } from './printable.ts';
import {
  clientCommand,
  runSession,
  type CommandWorld,
  type ConnectionOptions,
  type Session,
} from './session.ts';

/** `longshore stat <names...>` */
export function registerStat(program: Command, world: CommandWorld): void {
  clientCommand(program, world, 'stat <names...>')
    .description('show all that is known of files')
    .action(async (names: string[], options: ConnectionOptions) => {
      await runSession(world, options, (session) => showAll(session, names));
    });
}

async function showAll(session: Session, names: readonly string[]): Promise<void> {
  const { output, signal } = session;
  for (const name of names) {
    try {
      for await (const file of eachFound(await findFiles(session, name))) {
        output.result(description(file), file);
      }
    } catch (error) {
      if (signal.aborted) return;
      output.failed(name, error);
    }
  }
}

function description(file: File): string {
  const facts: [string, string | Date | null][] = [
    ['Name', file.name],
    ['Called', file.displayName],
    ['Type', file.mediaType],
    ['Size', `${formatBytes(file.sizeBytes)} (${file.sizeBytes} bytes)`],
    ['SHA-256', file.sha256],
    ['State', file.state.toLowerCase()],
    ['ETag', file.etag],
    ['Region', file.region],
    [
      'Labels',
      Object.entries(file.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', '),
    ],
    ['Created', file.createTime],
    ['Updated', file.updateTime],
    ['Read last', file.accessTime],
    ['Expires', file.expireTime],
    ['Kept until', file.retainUntilTime],
    ['Deleted', file.deleteTime],
    ['Purged', file.purgeTime],
  ];
  return facts
    .filter(([, value]) => value !== null && value !== '')
    .map(([label, value]) => {
      const text = value instanceof Date ? value.toISOString() : printable(value ?? '');
      return `${`${label}:`.padEnd(12)}${text}`;
    })
    .join('\n')
    .concat('\n');
}
