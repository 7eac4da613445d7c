import { figures, progressLines, type TransferState } from './progress-lines.ts';
import { printable } from './printable.ts';
import { SpeedMeter } from './speed-meter.ts';
import type { Terminal } from './terminal.ts';

const DRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;
const EVENT_MS = 1_000;

/** One transfer that is shown while it runs. */
export interface ShownTransfer {
  /** `phase` is empty for the transfer itself. */
  update(phase: string, bytesDone: number, bytesTotal: number | undefined): void;
  end(): void;
}

interface Running {
  readonly name: string;
  readonly meter: SpeedMeter;
  phase: string;
  bytesDone: number;
  bytesTotal: number | undefined;
}

/**
 * Shows what is under way: bars drawn over themselves where somebody watches, a plain line now and then where not, an
 * event a second with `json`. It writes to stderr, events to stdout.
 *
 * Our own, for it is small: @clack/prompts draws one bar at a time, cli-progress has had no release since 2023.
 */
export class ProgressScreen {
  readonly #terminal: Terminal;
  readonly #nowMs: () => number;
  readonly #running = new Set<Running>();
  readonly #total: SpeedMeter;
  readonly #timer: NodeJS.Timeout;
  #filesDone = 0;
  #bytesDone = 0;
  #linesDrawn = 0;

  constructor(terminal: Terminal, json: boolean, nowMs: () => number) {
    this.#terminal = terminal;
    this.#nowMs = nowMs;
    this.#total = new SpeedMeter(nowMs());
    const [tick, everyMs] = json
      ? [() => this.#emit(), EVENT_MS]
      : terminal.isInteractive
        ? [() => this.#draw(), DRAW_MS]
        : [() => this.#printLines(), PLAIN_LINE_MS];
    this.#timer = setInterval(tick, everyMs);
    this.#timer.unref();
  }

  begin(name: string): ShownTransfer {
    const running: Running = {
      name,
      meter: new SpeedMeter(this.#nowMs()),
      phase: '',
      bytesDone: 0,
      bytesTotal: undefined,
    };
    this.#running.add(running);
    return {
      update: (phase, bytesDone, bytesTotal) => {
        // A new phase counts from its own beginning, and what a resumed transfer finds done was not fast, but earlier.
        const begins = phase !== running.phase || running.bytesTotal === undefined;
        const fresh = begins ? 0 : Math.max(0, bytesDone - running.bytesDone);
        running.meter.add(this.#nowMs(), fresh);
        if (phase === '') {
          this.#total.add(this.#nowMs(), fresh);
          this.#bytesDone += fresh;
        }
        Object.assign(running, { phase, bytesDone, bytesTotal });
      },
      end: () => {
        this.#running.delete(running);
        this.#filesDone += 1;
      },
    };
  }

  /** Makes room for other text on the terminal; the bars come back with the next drawing. */
  clear(): void {
    if (this.#linesDrawn === 0) return;
    this.#terminal.stderr.write(`\x1b[${this.#linesDrawn}A\x1b[0J`);
    this.#linesDrawn = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.clear();
  }

  #states(): TransferState[] {
    const nowMs = this.#nowMs();
    return [...this.#running].map(({ name, phase, bytesDone, bytesTotal, meter }) => ({
      name,
      phase,
      bytesDone,
      bytesTotal,
      bytesPerSecond: meter.bytesPerSecond(nowMs),
    }));
  }

  #draw(): void {
    const total = {
      filesDone: this.#filesDone,
      bytesDone: this.#bytesDone,
      bytesPerSecond: this.#total.bytesPerSecond(this.#nowMs()),
    };
    const lines = progressLines(this.#states(), total, this.#terminal.columns() - 1);
    const up = this.#linesDrawn === 0 ? '' : `\x1b[${this.#linesDrawn}A`;
    this.#terminal.stderr.write(`${up}\x1b[0J${lines.map((line) => `${line}\n`).join('')}`);
    this.#linesDrawn = lines.length;
  }

  #printLines(): void {
    for (const state of this.#states()) {
      this.#terminal.stderr.write(`${printable(state.name)}: ${figures(state).trimStart()}\n`);
    }
  }

  #emit(): void {
    for (const { name, phase, bytesDone, bytesTotal, bytesPerSecond } of this.#states()) {
      const event = { event: 'progress', subject: name, phase: phase || 'transfer', bytesDone, bytesTotal };
      this.#terminal.stdout.write(
        `${JSON.stringify({ ...event, bytesPerSecond: Math.round(bytesPerSecond) })}\n`,
      );
    }
  }
}
