import type { Command } from 'commander';
import type { File } from '../client/client.ts';
import { formatBytes, formatTime } from './amounts.ts';
import { quoted } from './find-files.ts';
import { printable } from './printable.ts';
import {
  clientCommand,
  runSession,
  wholeNumber,
  type CommandWorld,
  type ConnectionOptions,
  type Session,
} from './session.ts';

const PAGE_SIZE_MAX = 1000;

interface LsCommandOptions extends ConnectionOptions {
  readonly filter?: string;
  readonly order?: string;
  readonly deleted?: boolean;
  readonly limit?: number;
}

/** `longshore ls [folder]` */
export function registerLs(program: Command, world: CommandWorld): void {
  clientCommand(program, world, 'ls [folder]')
    .description('list files, the newest first; with "folder/" those whose names begin with it')
    .option('--filter <filter>', `for example 'size_bytes > 1000000 AND labels.project = "x"'`)
    .option('--order <fields>', `for example 'size_bytes desc, display_name'`)
    .option('--deleted', 'also those that are deleted and not yet purged')
    .option('--limit <n>', 'no more than this', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .action(async (folder: string | undefined, options: LsCommandOptions) => {
      await runSession(world, options, (session) => list(session, folder, options));
    });
}

async function list(session: Session, folder: string | undefined, options: LsCommandOptions): Promise<void> {
  const { client, output, signal } = session;
  const limit = options.limit ?? Infinity;
  const filters = [
    folder === undefined ? '' : `display_name = "${quoted(folder)}*"`,
    options.filter === undefined ? '' : `(${options.filter})`,
  ].filter((filter) => filter !== '');
  const files = client.list({
    filter: filters.join(' AND '),
    orderBy: options.order ?? '',
    pageSize: Math.min(limit, PAGE_SIZE_MAX),
    showDeleted: options.deleted ?? false,
    signal,
  });
  let count = 0;
  for await (const file of files) {
    if (count === 0 && options.json !== true) output.result(HEADER, {});
    output.result(row(file), file);
    count += 1;
    if (count >= limit) break;
  }
}

// Sizes and times are of one width, names of any: they come last, and a list of any length needs no second look.
const HEADER = `${'SIZE'.padStart(9)}  ${'CREATED'.padEnd(16)}  ${'ID'.padEnd(26)}  NAME`;

function row(file: File): string {
  const id = file.name.slice(file.name.lastIndexOf('/') + 1);
  const size = formatBytes(file.sizeBytes).padStart(9);
  const mark = file.state === 'ACTIVE' ? '' : `  (${file.state.toLowerCase()})`;
  return `${size}  ${formatTime(file.createTime)}  ${id.padEnd(26)}  ${printable(file.displayName)}${mark}`;
}
