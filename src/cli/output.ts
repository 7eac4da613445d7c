import { LongshoreClientError } from '../client/client-error.ts';
import { printable } from './printable.ts';
import { ProgressScreen } from './progress-screen.ts';
import { sentence } from './sentence.ts';
import type { Terminal } from './terminal.ts';

/** What a command tells: results, failures and asides, in words or as one line of JSON each. */
export class Output {
  readonly progress: ProgressScreen;
  readonly #terminal: Terminal;
  readonly #json: boolean;
  #failures = 0;
  #resultsOnStderr = false;

  constructor(terminal: Terminal, json: boolean, nowMs: () => number) {
    this.#terminal = terminal;
    this.#json = json;
    this.progress = new ProgressScreen(terminal, json, nowMs);
  }

  /** How many things failed so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Content goes to stdout: words and events must not get into it. */
  keepStdoutClean(): void {
    this.#resultsOnStderr = true;
  }

  /** One result: `text` for people, who see it only when there is some, `event` for programs. */
  result(text: string, event: object): void {
    const stream = this.#resultsOnStderr ? this.#terminal.stderr : this.#terminal.stdout;
    if (this.#json) this.#write(stream, JSON.stringify(event));
    else if (text !== '') this.#write(stream, text);
  }

  /** Something failed; the command goes on with the rest and exits with 1. */
  failed(subject: string, error: unknown): void {
    this.#failures += 1;
    const message = sentence(error);
    if (!this.#json) {
      this.#write(this.#terminal.stderr, subject === '' ? message : `${printable(subject)}: ${message}`);
      return;
    }
    const { code, reason, metadata } = error instanceof LongshoreClientError ? error : EMPTY;
    this.result('', { event: 'failed', subject, code, reason, message, metadata });
  }

  /** Worth knowing, neither a result nor a failure. */
  note(text: string, event: object): void {
    if (this.#json) this.result('', event);
    else this.#write(this.#terminal.stderr, text);
  }

  close(): void {
    this.progress.stop();
  }

  #write(stream: Terminal['stdout'], line: string): void {
    this.progress.clear();
    stream.write(`${line}\n`);
  }
}

const EMPTY: { code?: string; reason?: string; metadata?: Readonly<Record<string, string>> } = {};
