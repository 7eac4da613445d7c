import { InvalidArgumentError, Option, type Command } from 'commander';
import { connect, type LongshoreClient } from '../client/client.ts';
import type { CliEnvironment } from './environment.ts';
import { Output } from './output.ts';
import type { Terminal } from './terminal.ts';

/** What surrounds the commands; tests put their own in place. */
export interface CommandWorld {
  readonly environment: CliEnvironment;
  readonly terminal: Terminal;
  nowMs(): number;
  /** Called once, when a command is done. */
  exit(code: number): void;
  /** The command line made no sense: nothing was done. */
  exitAtOnce(code: number): never;
  /** Aborted when the user wants to stop (Ctrl-C). */
  stopSignal(): AbortSignal;
}

/** What a command works with. */
export interface Session {
  readonly client: LongshoreClient;
  readonly tenant: string;
  readonly output: Output;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  nowMs(): number;
}

export const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** What shells give for a program ended by SIGINT: 128 + 2. */
const EXIT_STOPPED = 130;

export interface ConnectionOptions {
  readonly server: string;
  readonly tenant: string;
  readonly apiKey?: string;
  readonly json?: boolean;
}

/** Adds a command that talks to a server, with the options that say to which and how. */
export function clientCommand(program: Command, world: CommandWorld, usage: string): Command {
  const { environment } = world;
  return program
    .command(usage)
    .addOption(new Option('--server <address>', 'host:port (LONGSHORE_SERVER)').default(environment.server))
    .addOption(new Option('--tenant <tenant>', 'whose files (LONGSHORE_TENANT)').default(environment.tenant))
    .option('--api-key <key>', 'better given as LONGSHORE_API_KEY, where others cannot see it')
    .option('--json', 'one line of JSON per result or event')
    .exitOverride((error) => world.exitAtOnce(error.exitCode === 0 ? 0 : EXIT_USAGE));
}

/** Connects, works, disconnects; exits with 0, or 1 when anything failed, or 130 when it was stopped. */
export async function runSession(
  world: CommandWorld,
  options: ConnectionOptions,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const { environment, terminal } = world;
  const apiKey = options.apiKey ?? environment.apiKey;
  const output = new Output(terminal, options.json ?? false, () => world.nowMs());
  const client = connect({
    address: options.server,
    tenant: options.tenant,
    // Somebody waits: a wrong address is told at once, a server that went away is waited for.
    retry: { triesMaxUnreached: 3 },
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(environment.notesFolder === undefined ? {} : { notesFolder: environment.notesFolder }),
  });
  const signal = world.stopSignal();
  try {
    const { tenant } = options;
    await work({ client, tenant, output, terminal, signal, nowMs: () => world.nowMs() });
  } catch (error) {
    if (!signal.aborted) output.failed('', error);
  } finally {
    output.close();
    client.close();
  }
  if (signal.aborted) output.note('Stopped. The same command again goes on from here.', { event: 'stopped' });
  world.exit(signal.aborted ? EXIT_STOPPED : output.failures > 0 ? EXIT_FAILED : 0);
}

/** For options that count: a whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}
