/** Long enough that acknowledgements once a second make a steady figure, short enough to follow a network that changes. */
const WINDOW_MS = 5_000;
/** Samples closer together than this are merged: at most 50 are kept. */
const SAMPLE_MS = 100;

interface Sample {
  readonly atMs: number;
  bytes: number;
}

/** How fast bytes have come during the last few seconds. Times are given to it, in milliseconds. */
export class SpeedMeter {
  readonly #startMs: number;
  #samples: Sample[] = [];

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  add(nowMs: number, bytes: number): void {
    const last = this.#samples[this.#samples.length - 1];
    if (last !== undefined && nowMs - last.atMs < SAMPLE_MS) last.bytes += bytes;
    else this.#samples.push({ atMs: nowMs, bytes });
    this.#forget(nowMs);
  }

  /** 0 until something has come. */
  bytesPerSecond(nowMs: number): number {
    this.#forget(nowMs);
    const bytes = this.#samples.reduce((sum, sample) => sum + sample.bytes, 0);
    const overMs = Math.min(WINDOW_MS, Math.max(nowMs - this.#startMs, SAMPLE_MS));
    return (bytes * 1000) / overMs;
  }

  #forget(nowMs: number): void {
    this.#samples = this.#samples.filter((sample) => sample.atMs > nowMs - WINDOW_MS);
  }
}

/** Milliseconds until `bytesLeft` have come, or undefined while nothing comes. */
export function timeLeftMs(bytesLeft: number, bytesPerSecond: number): number | undefined {
  return bytesPerSecond > 0 ? (bytesLeft * 1000) / bytesPerSecond : undefined;
}
