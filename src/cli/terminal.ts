import type { Readable, Writable } from 'node:stream';

/** Where a command reads from and writes to. */
export interface Terminal {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Somebody is watching stderr: progress may be drawn over itself. */
  readonly isInteractive: boolean;
  /** How wide stderr is. */
  columns(): number;
}

const COLUMNS_DEFAULT = 80;

export const processTerminal: Terminal = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  isInteractive: process.stderr.isTTY ?? false,
  columns: () => process.stderr.columns ?? COLUMNS_DEFAULT,
};
