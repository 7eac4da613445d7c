import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { clientCommands } from '../../src/cli/commands.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output's lines as JSON. */
  events(): Record<string, unknown>[];
}

export interface RunOptions {
  readonly address: string;
  readonly tenant: string;
  readonly notesFolder: string;
  readonly stdin?: Readable;
  readonly isInteractive?: boolean;
  readonly stop?: AbortSignal;
}

class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** Runs `longshore <args>` in this process, with standard streams of its own. */
export async function runLongshore(args: readonly string[], options: RunOptions): Promise<Ran> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const outputs = Promise.all([text(stdout), text(stderr)]);
  let code: number | undefined;
  const program = new Command('longshore');
  clientCommands(program, {
    environment: {
      server: options.address,
      tenant: options.tenant,
      apiKey: undefined,
      notesFolder: options.notesFolder,
    },
    terminal: {
      stdin: options.stdin ?? Readable.from([]),
      stdout,
      stderr,
      isInteractive: options.isInteractive ?? false,
      columns: () => 100,
    },
    nowMs: () => Date.now(),
    exit: (given) => {
      code = given;
    },
    exitAtOnce: (given) => {
      throw new Exit(given);
    },
    stopSignal: () => options.stop ?? new AbortController().signal,
  });
  for (const command of program.commands) {
    command.configureOutput({
      writeOut: (line) => stdout.write(line),
      writeErr: (line) => stderr.write(line),
    });
  }
  try {
    await program.parseAsync(['node', 'longshore', ...args]);
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    code = error.code;
  }
  stdout.end();
  stderr.end();
  const [out, err] = await outputs;
  return {
    code: code ?? -1,
    stdout: out,
    stderr: err,
    events: () =>
      out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}
