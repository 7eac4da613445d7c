import type { Clock } from '../clock.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { FileStore } from './file-store.ts';

const FLUSH_INTERVAL_MS = 1000;
/** Files remembered between two flushes; reads of more than that are lost, and counted as lost. */
const FILES_MAX = 10_000;

interface Reads {
  tenantId: string;
  fileId: string;
  count: number;
  lastTime: Date;
}

/** Counts reads of files in memory and writes them down in batches, so that no read waits for it. */
export class ReadCounter {
  #reads = new Map<string, Reads>();
  #flushing: Promise<void> = Promise.resolve();
  readonly #files: FileStore;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #stopped = new AbortController();

  constructor(files: FileStore, clock: Clock, metrics: Metrics, log: Logger) {
    this.#files = files;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#log = log;
  }

  count(tenantId: string, fileId: string): void {
    this.#add({ tenantId, fileId, count: 1, lastTime: new Date(this.#clock.nowMs()) });
  }

  /** Flushes every second until `close`. */
  async run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#clock.sleep(FLUSH_INTERVAL_MS, signal).catch(() => undefined);
      await this.flush();
    }
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.flush();
  }

  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  async #write(): Promise<void> {
    const batch = [...this.#reads.values()];
    if (batch.length === 0) return;
    this.#reads = new Map();
    try {
      await this.#files.recordAccess(batch);
    } catch (error) {
      // Kept for the next flush, as far as there is room.
      for (const reads of batch) this.#add(reads);
      this.#log.warn({ err: error, files: batch.length }, 'counted reads could not be written down yet');
    }
  }

  #add(reads: Reads): void {
    const key = `${reads.tenantId}/${reads.fileId}`;
    const known = this.#reads.get(key);
    if (!known && this.#reads.size >= FILES_MAX) {
      this.#metrics.trackingLost.inc(reads.count);
      return;
    }
    // What comes back from a flush that failed is older than what was counted meanwhile.
    const lastTime = known && known.lastTime > reads.lastTime ? known.lastTime : reads.lastTime;
    this.#reads.set(key, { ...reads, lastTime, count: (known?.count ?? 0) + reads.count });
  }
}
