import { authorize } from '../access/authorize.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import type { Damage } from '../files/damage.ts';
import { fieldInvalid } from '../files/field-invalid.ts';
import { fileNotFound } from '../files/file-guard.ts';
import type { FileStore } from '../files/file-store.ts';
import type { FileRecord } from '../files/file.ts';
import type { NewId } from '../files/ids.ts';
import { formatName, parseName, parseTenantName } from '../files/names.ts';
import type { ReadCounter } from '../files/read-counter.ts';
import type { SmallFiles } from '../files/small-files.ts';
import type { Status } from '../gen/google/rpc/Status.ts';
import type { BatchReadFilesResponse } from '../gen/longshore/v1/BatchReadFilesResponse.ts';
import type { BatchUploadFilesResponse } from '../gen/longshore/v1/BatchUploadFilesResponse.ts';
import type { BatchUploadFilesRequest__Output } from '../gen/longshore/v1/BatchUploadFilesRequest.ts';
import type { FileServiceHandlers } from '../gen/longshore/v1/FileService.ts';
import type { RequestStore } from '../operations/request-store.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Calls } from './calls.ts';
import { each } from './each.ts';
import { fromDigest, fromFile, toFile } from './messages.ts';
import { once } from './once.ts';
import { openBlob } from './read-file.ts';
import { statusMessage } from './status.ts';

export interface BatchMethodParts {
  files: FileStore;
  blobs: BlobStore;
  damage: Damage;
  reads: ReadCounter;
  small: SmallFiles;
  requests: RequestStore;
  newId: NewId;
  clock: Clock;
  metrics: Metrics;
  deleteGraceMs: number;
  itemsMax: number;
  bytesMax: number;
}

type BatchMethods = Pick<
  FileServiceHandlers,
  'BatchGetFiles' | 'BatchReadFiles' | 'BatchUploadFiles' | 'BatchDeleteFiles'
>;
type ReadItem = NonNullable<BatchReadFilesResponse['items']>[number];
type UploadItem = NonNullable<BatchUploadFilesResponse['items']>[number];

/** Many small things in one call. Get and delete are all or nothing; read and upload say for each item how it went. */
export function batchMethods(parts: BatchMethodParts, calls: Calls): BatchMethods {
  const { files, itemsMax } = parts;
  return {
    BatchGetFiles: calls.unary(async (request, { caller }) => {
      const { tenantId, ids } = namesOf(request, itemsMax);
      authorize(caller, 'read', tenantId);
      return { files: (await files.getMany(tenantId, ids)).map(toFile) };
    }),

    BatchReadFiles: calls.unary(async (request, { caller, log }) => {
      const { tenantId, ids } = namesOf(request, itemsMax);
      authorize(caller, 'read', tenantId);
      const budget = { bytes: parts.bytesMax };
      const items = await each(ids, (id) => readItem(parts, tenantId, id, budget, log));
      return { items };
    }),

    BatchUploadFiles: calls.unary(async (request, { caller, signal, log }) => {
      const tenantId = parseTenantName(request.parent);
      authorize(caller, 'write', tenantId);
      requireItems(request.items.length, itemsMax, 'items');
      requireBytes(request.items, parts.bytesMax);
      const repeatable = {
        method: 'BatchUploadFiles',
        tenantId,
        requestId: request.requestId,
        message: request,
        type: 'longshore.v1.BatchUploadFilesRequest',
        answer: 'longshore.v1.BatchUploadFilesResponse',
      };
      return once(parts.requests, repeatable, signal, async () => ({
        items: await each(request.items, (item) => uploadItem(parts, tenantId, item, log)),
      }));
    }),

    BatchDeleteFiles: calls.unary(async (request, { caller, signal }) => {
      const { tenantId, ids } = namesOf(request, itemsMax);
      authorize(caller, 'write', tenantId);
      const repeatable = {
        method: 'BatchDeleteFiles',
        tenantId,
        requestId: request.requestId,
        message: request,
        type: 'longshore.v1.BatchDeleteFilesRequest',
        answer: 'longshore.v1.BatchDeleteFilesResponse',
      };
      return once(parts.requests, repeatable, signal, async () => {
        const purgeTime = new Date(parts.clock.nowMs() + parts.deleteGraceMs);
        return { files: (await files.deleteMany(tenantId, ids, purgeTime)).map(toFile) };
      });
    }),
  };
}

/** The ids of the names, which must all be the parent's. */
function namesOf(
  request: { parent: string; names: readonly string[] },
  itemsMax: number,
): { tenantId: string; ids: string[] } {
  const tenantId = parseTenantName(request.parent);
  requireItems(request.names.length, itemsMax, 'names');
  const ids = request.names.map((name, index) => {
    const parsed = parseName('files', name, `names[${index}]`);
    if (parsed.tenantId !== tenantId) throw fieldInvalid(`names[${index}]`, `is not below ${request.parent}`);
    return parsed.id;
  });
  return { tenantId, ids };
}

function requireItems(count: number, itemsMax: number, field: string): void {
  if (count > itemsMax) throw fieldInvalid(field, `has ${count} entries; ${itemsMax} are the most`);
}

function requireBytes(items: BatchUploadFilesRequest__Output['items'], bytesMax: number): void {
  const bytes = items.reduce((sum, { chunk }) => sum + (chunk?.content.length ?? 0), 0);
  if (bytes > bytesMax)
    throw fieldInvalid('items', `hold ${bytes} bytes of content; ${bytesMax} are the most`);
}

async function readItem(
  parts: BatchMethodParts,
  tenantId: string,
  id: string,
  budget: { bytes: number },
  log: Logger,
): Promise<ReadItem> {
  const name = formatName('files', tenantId, id);
  try {
    const file = await parts.files.get(tenantId, id);
    if (file.state === 'deleted') throw fileNotFound();
    // Taken before the read, so that files read side by side do not both count on the same room.
    budget.bytes -= file.sizeBytes;
    if (budget.bytes < 0) {
      budget.bytes += file.sizeBytes;
      throw new LongshoreError('MESSAGE_TOO_LARGE', 'The file does not fit into this answer: use ReadFile.');
    }
    return { name, chunk: await readWhole(parts, file) };
  } catch (error) {
    return { name, status: itemStatus(error, log) };
  }
}

async function readWhole(parts: BatchMethodParts, file: FileRecord) {
  if (file.state === 'quarantined') throw await parts.damage.refusal(file.sha256);
  const lease = await openBlob(parts, file.sha256);
  try {
    const chunk = await lease.reader.read(0, file.sizeBytes);
    parts.reads.count(file.tenantId, file.fileId);
    parts.metrics.tierReads.inc({ tier: lease.tier, result: 'hit' });
    parts.metrics.servedBytes.inc({ tier: lease.tier }, file.sizeBytes);
    return chunk;
  } catch (error) {
    throw await parts.damage.explain(file.sha256, error);
  } finally {
    lease.release();
  }
}

async function uploadItem(
  parts: BatchMethodParts,
  tenantId: string,
  item: BatchUploadFilesRequest__Output['items'][number],
  log: Logger,
): Promise<UploadItem> {
  try {
    const file = await parts.small.store({
      tenantId,
      file: fromFile(item.file, item.fileId || parts.newId()),
      content: item.chunk?.content ?? Buffer.alloc(0),
      crc32c: item.chunk?.crc32c ?? null,
      expectedSha256: item.expectedDigest ? fromDigest(item.expectedDigest, 'expected_digest').sha256 : null,
    });
    return { file: toFile(file) };
  } catch (error) {
    return { status: itemStatus(error, log) };
  }
}

/** The call itself goes well, so that a fault of ours would be seen nowhere else. */
function itemStatus(thrown: unknown, log: Logger): Status {
  const error = LongshoreError.from(thrown);
  if (error.reason === 'INTERNAL') log.error({ err: error }, 'an item failed by a fault of ours');
  return statusMessage(error);
}
