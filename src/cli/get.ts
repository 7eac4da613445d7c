import { mkdir, stat } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import type { Command } from 'commander';
import { digestOfPath } from '../client/content-digest.ts';
import type { File, GetOptions } from '../client/client.ts';
import { formatBytes, formatCount, formatDuration } from './amounts.ts';
import { eachFound, findFiles } from './find-files.ts';
import { localPath } from './local-path.ts';
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

const JOBS_DEFAULT = 4;
const JOBS_MAX = 64;

interface GetCommandOptions extends ConnectionOptions {
  readonly output: string;
  readonly offset?: number;
  readonly length?: number;
  readonly force?: boolean;
  readonly jobs: number;
}

/** One file to fetch: what to ask for and where it goes. */
interface Errand {
  readonly file: File;
  readonly path: string;
}

/** `longshore get <names...>` */
export function registerGet(program: Command, world: CommandWorld): void {
  const anywhere = Number.MAX_SAFE_INTEGER;
  const command = clientCommand(program, world, 'get <names...>')
    .description('download files: by name, by what they are called, by id, by sha256:<hex>, or "folder/"')
    .option('-o, --output <path>', 'a file, a folder, or "-" for standard output', '.')
    .option(
      '--offset <bytes>',
      'begin here; negative: so many from the end',
      wholeNumber(-anywhere, anywhere),
    )
    .option('--length <bytes>', 'no more than this', wholeNumber(1, anywhere))
    .option('--force', 'replace local files that differ')
    .option('--jobs <n>', 'files at the same time', wholeNumber(1, JOBS_MAX), JOBS_DEFAULT)
    .action(async (names: string[], options: GetCommandOptions) => {
      if (names.length > 1 && (options.offset ?? options.length) !== undefined) {
        command.error('error: --offset and --length are for one file.');
      }
      await runSession(world, options, (session) => new GetRun(session, options).run(names));
    });
}

class GetRun {
  readonly #session: Session;
  readonly #options: GetCommandOptions;
  #files = 0;
  #bytes = 0;

  constructor(session: Session, options: GetCommandOptions) {
    this.#session = session;
    this.#options = options;
  }

  async run(names: readonly string[]): Promise<void> {
    const { output, signal } = this.#session;
    const startMs = this.#session.nowMs();
    if (this.#options.output === '-') {
      output.keepStdoutClean();
      // One after another, as `cat` would.
      await runJobs(this.#errands(names), 1, signal, (errand) => this.#getToStdout(errand.file));
    } else {
      await runJobs(this.#errands(names), this.#options.jobs, signal, (errand) => this.#get(errand));
    }
    const { failures } = output;
    if (this.#files + failures < 2) return;
    const ms = this.#session.nowMs() - startMs;
    const failed = failures > 0 ? `; ${failures} failed` : '';
    output.note(
      `${formatCount(this.#files, 'file')}, ${formatBytes(this.#bytes)} in ${formatDuration(ms)}${failed}`,
      { event: 'summary', command: 'get', files: this.#files, bytes: this.#bytes, failed: failures, ms },
    );
  }

  async *#errands(names: readonly string[]): AsyncGenerator<Errand, void, undefined> {
    const { output, signal } = this.#session;
    const intoFolder = names.length > 1 || (await this.#isFolder());
    for (const name of names) {
      try {
        const found = await findFiles(this.#session, name);
        if (found.kind === 'file' && found.namesakes.length > 0) {
          output.note(
            `${printable(name)}: the newest of ${found.namesakes.length + 1} files of that name, ${found.file.name}`,
            { event: 'ambiguous', subject: name, taken: found.file.name },
          );
        }
        for await (const file of eachFound(found)) {
          try {
            yield { file, path: this.#pathOf(file, found.kind === 'folder', intoFolder) };
          } catch (error) {
            output.failed(file.name, error);
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        output.failed(name, error);
      }
    }
  }

  async #isFolder(): Promise<boolean> {
    const path = this.#options.output;
    if (path.endsWith('/') || path.endsWith(sep)) return true;
    return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  }

  /** A file asked for by itself lands under its last part; those of a folder keep their place in it. */
  #pathOf(file: File, inFolder: boolean, intoFolder: boolean): string {
    const { output } = this.#options;
    if (output === '-') return output;
    if (inFolder) return localPath(output, file.displayName, sep);
    if (!intoFolder) return output;
    const last = file.displayName.slice(file.displayName.lastIndexOf('/') + 1);
    return localPath(output, last, sep);
  }

  async #get({ file, path }: Errand): Promise<void> {
    const { output, client, signal } = this.#session;
    const shown = output.progress.begin(file.displayName);
    try {
      const there = await this.#compare(path, file, shown.update);
      if (there === 'same') {
        this.#done(file, file.sizeBytes, `${printable(path)} is already there`, { path, unchanged: true });
        return;
      }
      if (there === 'different' && this.#options.force !== true) {
        throw new Error(`"${path}" is there and differs; --force replaces it.`);
      }
      await mkdir(dirname(path), { recursive: true });
      const result = await client.get(file.name, path, this.#getOptions(file, shown.update));
      const { bytesReceived, resumedFromBytes } = result;
      const resumed = resumedFromBytes > 0 ? ` (resumed at ${formatBytes(resumedFromBytes)})` : '';
      const bytes = bytesReceived + resumedFromBytes;
      this.#done(
        file,
        bytes,
        `${printable(file.displayName)} -> ${printable(path)}  ${formatBytes(bytes)}${resumed}`,
        {
          path,
          bytesReceived,
          resumedFromBytes,
        },
      );
    } catch (error) {
      if (!signal.aborted) output.failed(file.displayName, error);
    } finally {
      shown.end();
    }
  }

  async #getToStdout(file: File): Promise<void> {
    const { output, client, terminal, signal } = this.#session;
    const shown = output.progress.begin(file.displayName);
    try {
      const { stdout } = terminal;
      const { bytesReceived } = await client.get(file.name, stdout, this.#getOptions(file, shown.update));
      this.#done(file, bytesReceived, '', { path: '-', bytesReceived });
    } catch (error) {
      if (!signal.aborted) output.failed(file.displayName, error);
    } finally {
      shown.end();
    }
  }

  #getOptions(
    file: File,
    update: (phase: string, bytesDone: number, bytesTotal: number | undefined) => void,
  ): GetOptions {
    const { offset, length } = this.#options;
    return {
      ...(offset === undefined && length === undefined
        ? {}
        : { range: { offset: offset ?? 0, ...(length === undefined ? {} : { length }) } }),
      signal: this.#session.signal,
      onProgress: ({ phase, bytesDone, bytesTotal }) =>
        update(phase === 'receiving' ? '' : phase, bytesDone, bytesTotal),
      onRetry: retryNote(this.#session.output, file.displayName),
    };
  }

  /** What is at the path already: the very content (an earlier run fetched it), something else, or nothing. */
  async #compare(
    path: string,
    file: File,
    update: (phase: string, bytesDone: number, bytesTotal: number | undefined) => void,
  ): Promise<'same' | 'different' | 'nothing'> {
    const there = await stat(path).catch(() => undefined);
    if (there === undefined) return 'nothing';
    if (there.isDirectory()) throw new Error(`"${path}" is a folder.`);
    const whole = (this.#options.offset ?? this.#options.length) === undefined;
    if (!whole || !there.isFile() || there.size !== file.sizeBytes) return 'different';
    const { sha256 } = await digestOfPath(path, {
      signal: this.#session.signal,
      onHashed: (bytesDone) => update('checking', bytesDone, there.size),
    });
    return sha256 === file.sha256 ? 'same' : 'different';
  }

  #done(file: File, bytes: number, text: string, facts: object): void {
    this.#files += 1;
    this.#bytes += bytes;
    this.#session.output.result(text, { event: 'get', ...facts, file });
  }
}
