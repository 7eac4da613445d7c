import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import type { FileStore } from './file-store.ts';

/** How long a counted sum is good for; a tenant may overshoot by what it stores meanwhile in other processes. */
const COUNT_TTL_MS = 10_000;
const TENANTS_MAX = 10_000;

/** How much each tenant may store. */
export class TenantQuota {
  readonly #files: FileStore;
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #counted = new Map<string, { bytes: number; atMs: number }>();

  /** `bytesMax` 0: no limit. */
  constructor(files: FileStore, clock: Clock, bytesMax: number) {
    this.#files = files;
    this.#clock = clock;
    this.#bytesMax = bytesMax;
  }

  /** Throws QUOTA_EXCEEDED when `bytes` more are too many. */
  async require(tenantId: string, bytes: number): Promise<void> {
    if (this.#bytesMax === 0) return;
    const stored = await this.#stored(tenantId);
    if (stored.bytes + bytes <= this.#bytesMax) {
      stored.bytes += bytes;
      return;
    }
    throw new LongshoreError(
      'QUOTA_EXCEEDED',
      `The tenant stores ${stored.bytes} of ${this.#bytesMax} bytes: ${bytes} more do not fit. Delete files first.`,
      {
        metadata: { limit: String(this.#bytesMax), stored: String(stored.bytes) },
        quota: [{ subject: `tenants/${tenantId}`, description: `at most ${this.#bytesMax} bytes stored` }],
      },
    );
  }

  async #stored(tenantId: string): Promise<{ bytes: number; atMs: number }> {
    const known = this.#counted.get(tenantId);
    if (known && this.#clock.nowMs() - known.atMs < COUNT_TTL_MS) return known;
    const counted = { bytes: await this.#files.storedBytes(tenantId), atMs: this.#clock.nowMs() };
    if (this.#counted.size >= TENANTS_MAX) this.#counted.clear();
    this.#counted.set(tenantId, counted);
    return counted;
  }
}
