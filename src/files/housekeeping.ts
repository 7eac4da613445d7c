import type { BlobRecordStore } from '../blobs/blob-record-store.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { PartFiles } from '../blobs/part-files.ts';
import type { StrayBlobs } from '../blobs/stray-blobs.ts';
import type { Clock } from '../clock.ts';
import type { OperationStore } from '../operations/operation-store.ts';
import type { RequestStore } from '../operations/request-store.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { FileStore } from './file-store.ts';
import type { UploadFinalizer } from './finalize-upload.ts';
import type { UploadStore } from './upload-store.ts';
import type { Verifier } from './verify-file.ts';

export interface HousekeepingParts {
  files: FileStore;
  uploads: UploadStore;
  finalizer: UploadFinalizer;
  requests: RequestStore;
  operations: OperationStore;
  blobs: BlobStore;
  blobRecords: BlobRecordStore;
  strays: StrayBlobs;
  partFiles: PartFiles;
  verifier: Verifier;
  clock: Clock;
  metrics: Metrics;
  log: Logger;
  deleteGraceMs: number;
  scrubIntervalMs: number;
  scrubBytesPerSecondMax: number;
}

type ScrubParts = Pick<
  HousekeepingParts,
  'blobRecords' | 'verifier' | 'clock' | 'log' | 'scrubIntervalMs' | 'scrubBytesPerSecondMax'
>;

/** Things taken in one go; a sweep goes on until there are no more. */
const BATCH = 100;
/** A disk on which so many blobs could not be read is looked at by people first. */
const SCRUB_FAILURES_MAX = 1000;
const HOUR_MS = 3_600_000;
/** Content without a file is left this long: whoever is just making the file needs it. */
const UNREFERENCED_MS = 10 * 60_000;
/** A process that finalises an upload is quicker than this. */
const STUCK_MS = 60_000;
/** Ended uploads, ended operations and answered requests are remembered for a day, for clients that ask again. */
const REMEMBERED_MS = 24 * HOUR_MS;

/** Takes away what is past its time. Every step may be cut short and done again. */
export async function sweep(parts: HousekeepingParts, signal: AbortSignal): Promise<void> {
  const { files, uploads, requests, operations, blobs, blobRecords, partFiles, clock } = parts;
  const now = new Date(clock.nowMs());
  const ago = (ms: number) => new Date(now.getTime() - ms);
  const purgeTime = new Date(now.getTime() + parts.deleteGraceMs);
  const discard = async (ended: { uploadId: string }[]) => {
    for (const { uploadId } of ended) await partFiles.discard(uploadId);
    return ended.length;
  };
  const steps: Record<string, () => Promise<number>> = {
    stuck_uploads: () => recoverStuck(parts, ago(STUCK_MS), signal),
    expired_uploads: async () => discard(await uploads.expire(now, BATCH)),
    forgotten_uploads: async () => discard(await uploads.forget(ago(REMEMBERED_MS), BATCH)),
    expired_files: () => files.expire(now, purgeTime, BATCH),
    purged_files: () => files.purge(now, BATCH),
    requests: () => requests.forget(ago(REMEMBERED_MS), BATCH),
    operations: () => operations.forget(ago(REMEMBERED_MS), BATCH),
    blobs: () => blobRecords.collect(ago(UNREFERENCED_MS), BATCH, (sha256) => blobs.remove(sha256), signal),
  };
  for (const [kind, step] of Object.entries(steps)) {
    await separately(parts, { kind }, signal, async () => {
      for (let taken = BATCH; taken === BATCH && !signal.aborted;) {
        taken = await step();
        report(parts, kind, taken);
      }
    });
  }
}

/** Looks through the whole data folder for what no row knows, which only a crash leaves behind. */
export async function sweepStrays(parts: HousekeepingParts, signal: AbortSignal): Promise<void> {
  const nowMs = parts.clock.nowMs();
  report(parts, 'stray_blobs', await parts.strays.sweep(nowMs - HOUR_MS, signal));
  report(parts, 'stray_uploads', await removeStrayUploads(parts, nowMs - REMEMBERED_MS));
}

/** Reads what has not been proved for long and proves it again, slowly. */
export async function scrub(parts: ScrubParts, signal: AbortSignal): Promise<void> {
  const { blobRecords, verifier, clock, scrubIntervalMs, scrubBytesPerSecondMax } = parts;
  const before = new Date(clock.nowMs() - scrubIntervalMs);
  // They stay due, and are given out again and again.
  const failed = new Set<string>();
  while (failed.size < SCRUB_FAILURES_MAX) {
    const due = await blobRecords.dueForVerification(before, BATCH + failed.size);
    const next = due.filter(({ sha256 }) => !failed.has(sha256));
    if (next.length === 0) return;
    for (const { sha256 } of next) {
      signal.throwIfAborted();
      const proved = await separately(parts, { kind: 'scrub', sha256 }, signal, () =>
        verifier.verify(sha256, { foundBy: 'scrub', signal, bytesPerSecondMax: scrubBytesPerSecondMax }),
      );
      if (!proved) failed.add(sha256);
    }
  }
}

async function recoverStuck(parts: HousekeepingParts, before: Date, signal: AbortSignal): Promise<number> {
  const stuck = await parts.uploads.stuck(before, BATCH);
  for (const upload of stuck) {
    await separately(parts, { kind: 'stuck_uploads' }, signal, () => parts.finalizer.recover(upload, signal));
  }
  return stuck.length;
}

/** What fails does not keep the rest: it is logged, and done the next time. Rejects only when all of it is to stop. */
async function separately(
  { log }: Pick<HousekeepingParts, 'log'>,
  what: Record<string, string>,
  signal: AbortSignal,
  act: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ ...what, err: error }, 'housekeeping could not be done');
    return false;
  }
}

async function removeStrayUploads(
  { partFiles, uploads }: HousekeepingParts,
  beforeMs: number,
): Promise<number> {
  const ids = await partFiles.idle(beforeMs);
  const known = await uploads.known(ids);
  const strays = ids.filter((id) => !known.has(id));
  for (const id of strays) await partFiles.discard(id);
  return strays.length;
}

function report({ metrics, log }: HousekeepingParts, kind: string, taken: number): void {
  metrics.sweeps.inc({ kind }, taken);
  if (taken > 0) log.info({ kind, taken }, 'swept');
}
