import type { Command } from 'commander';
import { digestOfPath } from '../client/content-digest.ts';
import type { File, PutOptions } from '../client/client.ts';
import { formatBytes, formatCount, formatDuration } from './amounts.ts';
import { quoted } from './find-files.ts';
import { printable } from './printable.ts';
import { retryNote } from './retry-note.ts';
import { runJobs } from './run-jobs.ts';
import {
  clientCommand,
  runSession,
  wholeNumber,
  type CommandWorld,
  type ConnectionOptions,
  type Session,
} from './session.ts';
import { sourceFiles, type SourceFile } from './source-files.ts';

const JOBS_DEFAULT = 4;
const JOBS_MAX = 64;

interface PutCommandOptions extends ConnectionOptions {
  readonly name?: string;
  readonly prefix: string;
  readonly label: Readonly<Record<string, string>>;
  readonly mediaType?: string;
  readonly follow?: boolean;
  readonly again?: boolean;
  readonly jobs: number;
}

/** `longshore put <paths...>` */
export function registerPut(program: Command, world: CommandWorld): void {
  const command = clientCommand(program, world, 'put <paths...>')
    .description('upload files and folders; "-" is standard input')
    .option('--name <name>', 'what the one file is called (needed for "-")')
    .option('--prefix <prefix>', 'put before every name, for example "2026/"', '')
    .option('--label <key=value>', 'a label for every file; may be given again', collectLabel, {})
    .option('--media-type <type>', 'of every file; found out by the server otherwise')
    .option('--follow', 'upload what symlinks point to')
    .option('--again', 'make a new record also where one of this name and content is there')
    .option('--jobs <n>', 'files at the same time', wholeNumber(1, JOBS_MAX), JOBS_DEFAULT)
    .action(async (paths: string[], options: PutCommandOptions) => {
      if (options.name !== undefined && paths.length > 1) command.error('error: --name is for one file.');
      if (paths.includes('-') && (paths.length > 1 || options.name === undefined)) {
        command.error('error: "-" is put alone, with the --name it is to have.');
      }
      await runSession(world, options, (session) => new PutRun(session, options).run(paths));
    });
}

function collectLabel(
  text: string,
  labels: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  return at < 1 ? { ...labels, [text]: '' } : { ...labels, [text.slice(0, at)]: text.slice(at + 1) };
}

class PutRun {
  readonly #session: Session;
  readonly #options: PutCommandOptions;
  #files = 0;
  #bytes = 0;

  constructor(session: Session, options: PutCommandOptions) {
    this.#session = session;
    this.#options = options;
  }

  async run(paths: readonly string[]): Promise<void> {
    const { output, signal } = this.#session;
    const startMs = this.#session.nowMs();
    if (paths[0] === '-') {
      await this.#putStdin();
    } else {
      const { prefix, jobs, follow = false } = this.#options;
      await runJobs(sourceFiles(paths, { follow, prefix }), jobs, signal, (source) => this.#put(source));
    }
    const { failures } = output;
    if (this.#files + failures < 2) return;
    const ms = this.#session.nowMs() - startMs;
    const failed = failures > 0 ? `; ${failures} failed` : '';
    output.note(
      `${formatCount(this.#files, 'file')}, ${formatBytes(this.#bytes)} in ${formatDuration(ms)}${failed}`,
      { event: 'summary', command: 'put', files: this.#files, bytes: this.#bytes, failed: failures, ms },
    );
  }

  async #put(source: SourceFile): Promise<void> {
    const { output, signal } = this.#session;
    if (source.kind === 'refused') {
      output.failed(source.path, new Error(`This ${source.why}.`));
      return;
    }
    const name = this.#options.name === undefined ? source.name : this.#options.prefix + this.#options.name;
    const shown = output.progress.begin(name);
    try {
      const digest = await digestOfPath(source.path, {
        signal,
        onHashed: (bytesDone) => shown.update('hashing', bytesDone, source.sizeBytes),
      });
      const there = this.#options.again ? undefined : await this.#alreadyThere(name, digest.sha256);
      if (there !== undefined) {
        this.#done(there, `${printable(name)} is already there as ${there.name}`, {
          path: source.path,
          unchanged: true,
        });
        return;
      }
      const result = await this.#session.client.put(source.path, {
        ...this.#putOptions(name, shown.update),
        expectedDigest: digest.sha256,
      });
      const { deduplicated, resumedFromBytes, ...file } = result;
      const how = deduplicated
        ? ' (held already, nothing was sent)'
        : resumedFromBytes > 0
          ? ` (resumed at ${formatBytes(resumedFromBytes)})`
          : '';
      this.#done(file, `${printable(name)} -> ${file.name}  ${formatBytes(file.sizeBytes)}${how}`, {
        path: source.path,
        deduplicated,
        resumedFromBytes,
      });
    } catch (error) {
      if (!signal.aborted) output.failed(source.path, error);
    } finally {
      shown.end();
    }
  }

  async #putStdin(): Promise<void> {
    const { output, client, terminal, signal } = this.#session;
    const name = this.#options.prefix + this.#options.name!;
    const shown = output.progress.begin(name);
    try {
      const file = await client.put(terminal.stdin, this.#putOptions(name, shown.update));
      this.#done(file, `${printable(name)} -> ${file.name}  ${formatBytes(file.sizeBytes)}`, { path: '-' });
    } catch (error) {
      if (!signal.aborted) output.failed('-', error);
    } finally {
      shown.end();
    }
  }

  #putOptions(
    name: string,
    update: (phase: string, bytesDone: number, bytesTotal: number | undefined) => void,
  ): PutOptions {
    const { label, mediaType } = this.#options;
    return {
      name,
      labels: label,
      ...(mediaType === undefined ? {} : { mediaType }),
      signal: this.#session.signal,
      onProgress: ({ phase, bytesDone, bytesTotal }) =>
        update(phase === 'sending' ? '' : phase, bytesDone, bytesTotal),
      onRetry: retryNote(this.#session.output, name),
    };
  }

  /** Putting the same folder again makes records only of what is new: those of an earlier, cut run count. */
  async #alreadyThere(name: string, sha256: string): Promise<File | undefined> {
    const { client, signal } = this.#session;
    const filter = `display_name = "${quoted(name)}" AND digest.sha256 = "${sha256}" AND state = ACTIVE`;
    const { label, mediaType } = this.#options;
    for await (const file of client.list({ filter, pageSize: 10, signal })) {
      const sameLabels = Object.entries(label).every(([key, value]) => file.labels[key] === value);
      if (sameLabels && (mediaType === undefined || mediaType === file.mediaType)) return file;
    }
    return undefined;
  }

  #done(file: File, text: string, facts: object): void {
    this.#files += 1;
    this.#bytes += file.sizeBytes;
    this.#session.output.result(text, { event: 'put', ...facts, file });
  }
}
