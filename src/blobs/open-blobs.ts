import type { BlobReader } from '../native/blob-reader.ts';

interface OpenBlob {
  readonly reader: Promise<BlobReader>;
  leases: number;
  /** Taken out of the map: closes with its last lease. */
  dropped: boolean;
}

/** Idle readers kept open. Each holds a descriptor and its manifest (96 bytes for each MiB of content). */
const IDLE_MAX = 256;

/** Readers shared by all streams of a process: one descriptor and one manifest for each blob that is being read. */
export class OpenBlobs {
  readonly #open = new Map<string, OpenBlob>();
  readonly #openReader: (sha256: string) => Promise<BlobReader>;

  constructor(openReader: (sha256: string) => Promise<BlobReader>) {
    this.#openReader = openReader;
  }

  async lease(sha256: string): Promise<{ reader: BlobReader; release(): void }> {
    const entry = this.#open.get(sha256) ?? { reader: this.#openReader(sha256), leases: 0, dropped: false };
    // Moved to the end: the map's order is the order of last use.
    this.#open.delete(sha256);
    this.#open.set(sha256, entry);
    entry.leases += 1;
    this.#closeIdle();
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      entry.leases -= 1;
      if (entry.dropped && entry.leases === 0) close(entry);
    };
    try {
      return { reader: await entry.reader, release };
    } catch (error) {
      if (this.#open.get(sha256) === entry) this.#open.delete(sha256);
      throw error;
    }
  }

  /** Later leases open the blob anew; those under way end undisturbed. */
  drop(sha256: string): void {
    const entry = this.#open.get(sha256);
    if (!entry) return;
    this.#open.delete(sha256);
    entry.dropped = true;
    if (entry.leases === 0) close(entry);
  }

  async close(): Promise<void> {
    const entries = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(entries.map(async (entry) => (await entry.reader).close()));
  }

  #closeIdle(): void {
    let surplus = this.#open.size - IDLE_MAX;
    for (const [sha256, entry] of this.#open) {
      if (surplus <= 0) return;
      if (entry.leases > 0) continue;
      this.drop(sha256);
      surplus -= 1;
    }
  }
}

function close(entry: OpenBlob): void {
  // A reader that could not be opened has nothing to close, and its lessee has heard why.
  entry.reader.then(
    (reader) => reader.close(),
    () => undefined,
  );
}
