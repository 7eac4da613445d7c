import type { BlobRecordStore } from '../blobs/blob-record-store.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import { isNativeError } from '../native/native-error.ts';
import type { OperationStore } from '../operations/operation-store.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { blobCorrupt, type Damage, type FoundBy } from './damage.ts';
import type { FileStore } from './file-store.ts';

/** Proves stored content anew: hashes it on all cores and sets it aside when it is not what was stored. */
export class Verifier {
  readonly #blobs: BlobStore;
  readonly #records: BlobRecordStore;
  readonly #damage: Damage;
  readonly #clock: Clock;
  readonly #metrics: Metrics;

  constructor(blobs: BlobStore, records: BlobRecordStore, damage: Damage, clock: Clock, metrics: Metrics) {
    this.#blobs = blobs;
    this.#records = records;
    this.#damage = damage;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /**
   * The indexes of the bad chunks; empty when the content is good, which ends its quarantine. Bytes that are gone are bad from
   * the first chunk on.
   */
  async verify(
    sha256: string,
    options: { foundBy: FoundBy; signal: AbortSignal; bytesPerSecondMax?: number },
  ): Promise<number[]> {
    const { foundBy, ...verifyOptions } = options;
    const found = await this.#hash(sha256, verifyOptions);
    const record = await this.#records.get(sha256);
    const isSetAside = record?.state === 'quarantined';
    // What is in quarantine was looked at when it still was in its place.
    const badChunks = found ?? (isSetAside ? record.badChunks : [0]);
    if (found) {
      const purpose = options.bytesPerSecondMax ? 'scrub' : 'verify';
      this.#metrics.hashedBytes.inc({ purpose }, record?.sizeBytes ?? 0);
    }
    if (badChunks.length > 0) await this.#damage.quarantine(sha256, badChunks, foundBy);
    else if (isSetAside) await this.#damage.lift(sha256);
    else await this.#records.recordVerification(sha256, [], new Date(this.#clock.nowMs()));
    return badChunks;
  }

  /** The bad chunks of what is there; null when nothing whole is. */
  async #hash(
    sha256: string,
    options: { signal: AbortSignal; bytesPerSecondMax?: number },
  ): Promise<number[] | null> {
    try {
      // Chunk digests prove as much as the whole digest and are made on all cores.
      return (await this.#blobs.verify(sha256, { ...options, whole: false })).badChunks;
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'MANIFEST_INVALID', 'BLOCK_CORRUPT'].some((code) => isNativeError(error, code));
}

/** What a VerifyFile operation remembers of its request. */
export interface VerifyInput {
  tenantId: string;
  fileId: string;
  sha256: string;
  sizeBytes: number;
  repair: boolean;
}

/** A VerifyFile operation as a job carries it. */
export interface VerifyJob {
  tenantId: string;
  operationId: string;
  input: VerifyInput;
}

export interface VerifyJobParts {
  verifier: Verifier;
  files: FileStore;
  operations: OperationStore;
  clock: Clock;
}

/** How often a running operation asks whether it was cancelled. */
const CANCEL_POLL_MS = 500;

/** Carries out a VerifyFile operation. It may be started again after a crash: verifying twice does no harm. */
export async function runVerifyOperation(
  operation: VerifyJob,
  parts: VerifyJobParts,
  signal: AbortSignal,
): Promise<void> {
  const { tenantId, operationId, input } = operation;
  const ended = new AbortController();
  const cancelled = new AbortController();
  const watching = watchForCancel(operation, parts, cancelled, ended.signal);
  try {
    await throwIfCancelled(operation, parts);
    const either = AbortSignal.any([signal, cancelled.signal]);
    const badChunks = await parts.verifier.verify(input.sha256, { foundBy: 'verify', signal: either });
    // There is no other tier or source yet that a chunk could be repaired from.
    if (badChunks.length > 0) throw blobCorrupt(input.sha256, badChunks);
    const file = await parts.files.get(tenantId, input.fileId);
    const verifyTime = new Date(parts.clock.nowMs()).toISOString();
    await parts.operations.succeed(tenantId, operationId, { fileId: file.fileId, verifyTime });
  } catch (error) {
    // A server that stops leaves the operation to the next one.
    if (signal.aborted) throw error;
    const { reason, message, metadata } = LongshoreError.from(cancelled.signal.reason ?? error);
    await parts.operations.fail(tenantId, operationId, { reason, message, metadata: { ...metadata } });
  } finally {
    ended.abort();
    await watching;
  }
}

/** Never rejects: whoever cannot ask goes on. */
async function watchForCancel(
  operation: VerifyJob,
  parts: VerifyJobParts,
  cancelled: AbortController,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted && !cancelled.signal.aborted) {
    try {
      await parts.clock.sleep(CANCEL_POLL_MS, ended);
      await throwIfCancelled(operation, parts);
    } catch (error) {
      if (error instanceof LongshoreError && error.reason === 'CANCELLED' && !ended.aborted)
        cancelled.abort(error);
    }
  }
}

async function throwIfCancelled({ tenantId, operationId }: VerifyJob, { operations }: VerifyJobParts) {
  const { cancelRequested } = await operations.progress(tenantId, operationId, {});
  if (cancelRequested) throw new LongshoreError('CANCELLED', 'The operation was cancelled.');
}
