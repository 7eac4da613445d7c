import type { Command } from 'commander';
import { registerBench } from './bench.ts';
import { readEnvironment } from './environment.ts';
import { registerGet } from './get.ts';
import { registerLs } from './ls.ts';
import { registerPut } from './put.ts';
import { registerRm } from './rm.ts';
import { EXIT_FAILED, type CommandWorld } from './session.ts';
import { registerStat } from './stat.ts';
import { processTerminal } from './terminal.ts';
import { registerVerify } from './verify.ts';

/**
 * Registers the commands that talk to a server. They exit with 0, with 1 when anything failed (each failure with a
 * sentence on stderr), with 2 when they were called wrongly, with 130 when they were stopped by Ctrl-C.
 */
export function clientCommands(program: Command, world: CommandWorld = processWorld()): void {
  registerPut(program, world);
  registerGet(program, world);
  registerLs(program, world);
  registerStat(program, world);
  registerRm(program, world);
  registerVerify(program, world);
  registerBench(program, world);
}

function processWorld(): CommandWorld {
  // `longshore ls | head`: the reader has seen enough, and there is nobody left to tell.
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(EXIT_FAILED);
    throw error;
  });
  return {
    environment: readEnvironment(),
    terminal: processTerminal,
    nowMs: () => Date.now(),
    // Not at once: what was written to a pipe may still be on its way.
    exit: (code) => {
      process.exitCode = code;
    },
    exitAtOnce: (code) => process.exit(code),
    stopSignal: () => {
      const controller = new AbortController();
      // Once: a second Ctrl-C ends the process as it always does.
      process.once('SIGINT', () => controller.abort(new Error('Stopped.')));
      process.once('SIGTERM', () => controller.abort(new Error('Stopped.')));
      return controller.signal;
    },
  };
}
