import type { BlobReader } from '../native/blob-reader.ts';

interface OpenBlob {
  readonly reader: Promise<BlobReader>;
  /** 0 until it is open. */
  contentBytes: number;
  leases: number;
  /** Taken out of the map: closes with its last lease. */
  dropped: boolean;
}

/** Readers up to which idle ones are kept open: each holds a descriptor. */
const OPEN_MAX = 256;
/** Content behind open readers up to which idle ones are kept: each MiB of it has 96 bytes of manifest in memory. */
const CONTENT_BYTES_MAX = 2 ** 40;

/** Readers shared by all streams of a process: one descriptor and one manifest for each blob that is being read. */
export class OpenBlobs {
  readonly #open = new Map<string, OpenBlob>();
  readonly #openReader: (sha256: string) => Promise<BlobReader>;
  #contentBytes = 0;

  constructor(openReader: (sha256: string) => Promise<BlobReader>) {
    this.#openReader = openReader;
  }

  async lease(sha256: string): Promise<{ reader: BlobReader; release(): void }> {
    const entry = this.#open.get(sha256) ?? this.#newEntry(sha256);
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
      const reader = await entry.reader;
      this.#closeIdle();
      return { reader, release };
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
    this.#contentBytes -= entry.contentBytes;
    entry.dropped = true;
    if (entry.leases === 0) close(entry);
  }

  async close(): Promise<void> {
    const entries = [...this.#open.values()];
    this.#open.clear();
    this.#contentBytes = 0;
    await Promise.allSettled(entries.map(async (entry) => (await entry.reader).close()));
  }

  #newEntry(sha256: string): OpenBlob {
    const entry: OpenBlob = {
      reader: this.#openReader(sha256),
      contentBytes: 0,
      leases: 0,
      dropped: false,
    };
    // A lessee hears why it could not be opened.
    void this.#count(entry).catch(() => undefined);
    return entry;
  }

  async #count(entry: OpenBlob): Promise<void> {
    const { size } = await entry.reader;
    if (entry.dropped) return;
    entry.contentBytes = size;
    this.#contentBytes += size;
  }

  /** Those that were not used for longest go first. */
  #closeIdle(): void {
    for (const [sha256, entry] of this.#open) {
      if (this.#open.size <= OPEN_MAX && this.#contentBytes <= CONTENT_BYTES_MAX) return;
      if (entry.leases === 0) this.drop(sha256);
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
