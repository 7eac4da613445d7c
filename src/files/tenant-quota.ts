import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import type { FileStore } from './file-store.ts';

/** How long a counted sum is good for; a tenant may overshoot by what it finishes meanwhile in other processes. */
const COUNT_TTL_MS = 10_000;
const TENANTS_MAX = 10_000;

interface Counted {
  bytes: number;
  readonly atMs: number;
}

/** How much each tenant may store. */
export class TenantQuota {
  readonly #files: FileStore;
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #counted = new Map<string, Counted>();

  /** `bytesMax` 0: no limit. */
  constructor(files: FileStore, clock: Clock, bytesMax: number) {
    this.#files = files;
    this.#clock = clock;
    this.#bytesMax = bytesMax;
  }

  /** Throws QUOTA_EXCEEDED when `bytes` more are too many. They do not count until they are taken. */
  async check(tenantId: string, bytes: number): Promise<void> {
    await this.#roomFor(tenantId, bytes);
  }

  /** Counts `bytes` more, which are about to become a file. Throws QUOTA_EXCEEDED when they are too many. */
  async take(tenantId: string, bytes: number): Promise<void> {
    const stored = await this.#roomFor(tenantId, bytes);
    if (stored) stored.bytes += bytes;
  }

  /** What the bytes will be counted in; null when there is no limit. */
  async #roomFor(tenantId: string, bytes: number): Promise<Counted | null> {
    if (this.#bytesMax === 0) return null;
    const stored = await this.#stored(tenantId);
    if (stored.bytes + bytes <= this.#bytesMax) return stored;
    throw new LongshoreError(
      'QUOTA_EXCEEDED',
      `The tenant stores ${stored.bytes} of ${this.#bytesMax} bytes: ${bytes} more do not fit. Delete files first.`,
      {
        metadata: { limit: String(this.#bytesMax), stored: String(stored.bytes) },
        quota: [{ subject: `tenants/${tenantId}`, description: `at most ${this.#bytesMax} bytes stored` }],
      },
    );
  }

  async #stored(tenantId: string): Promise<Counted> {
    const known = this.#counted.get(tenantId);
    if (known && this.#clock.nowMs() - known.atMs < COUNT_TTL_MS) return known;
    const counted = { bytes: await this.#files.storedBytes(tenantId), atMs: this.#clock.nowMs() };
    if (this.#counted.size >= TENANTS_MAX) this.#counted.clear();
    this.#counted.set(tenantId, counted);
    return counted;
  }
}
