import type { Persisted } from '../native/part-file.ts';

/** An ack is due after so many bytes … */
const BYTES_MAX = 8 * 2 ** 20;
/** … or so long after the first byte that has none. */
const INTERVAL_MS = 1000;
/** Bytes received and not yet on disk: beyond this the client waits for the disk. */
const UNSYNCED_BYTES_MAX = 16 * 2 ** 20;

/** Gets received bytes onto the disk and says so, one sync at a time, while more bytes come in. */
export class Acknowledger {
  readonly #toDisk: () => Promise<Persisted>;
  readonly #acknowledge: (persisted: Persisted) => Promise<void>;
  readonly #fail: (error: unknown) => void;
  /** Received since the last sync began. */
  #unsyncedBytes = 0;
  #syncing: Promise<void> | null = null;
  /** Runs while there are bytes that no sync has begun for. */
  #timer: NodeJS.Timeout | null = null;
  #isDue = false;
  #isSettling = false;

  /** `toDisk` gets everything onto the disk that was received before; `fail` hears of a sync or an ack that went wrong. */
  constructor(
    toDisk: () => Promise<Persisted>,
    acknowledge: (persisted: Persisted) => Promise<void>,
    fail: (error: unknown) => void,
  ) {
    this.#toDisk = toDisk;
    this.#acknowledge = acknowledge;
    this.#fail = fail;
  }

  /** Counts bytes that were handed to the upload; waits when the disk is too far behind. */
  async received(bytes: number): Promise<void> {
    this.#unsyncedBytes += bytes;
    this.#timer ??= setTimeout(() => this.#onDue(), INTERVAL_MS);
    if (this.#unsyncedBytes >= UNSYNCED_BYTES_MAX) await this.#syncing;
    if (this.#unsyncedBytes >= BYTES_MAX) this.#sync();
  }

  /** Everything received so far is on disk and acknowledged. */
  async flush(): Promise<void> {
    await this.#syncing;
    this.#sync();
    await this.#syncing;
  }

  /** Waits for what is under way; nothing new begins. */
  async settle(): Promise<void> {
    this.#isSettling = true;
    this.#stopTimer();
    await this.#syncing;
  }

  #onDue(): void {
    this.#isDue = true;
    this.#sync();
  }

  #sync(): void {
    if (this.#syncing || this.#isSettling) return;
    this.#stopTimer();
    this.#unsyncedBytes = 0;
    this.#syncing = this.#syncOnce().then(
      () => this.#synced(),
      (error: unknown) => this.#fail(error),
    );
  }

  async #syncOnce(): Promise<void> {
    await this.#acknowledge(await this.#toDisk());
  }

  #synced(): void {
    this.#syncing = null;
    if (this.#isDue || this.#unsyncedBytes >= BYTES_MAX) this.#sync();
  }

  #stopTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isDue = false;
  }
}
