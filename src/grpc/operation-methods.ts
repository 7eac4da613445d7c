import { authorize } from '../access/authorize.ts';
import type { Clock } from '../clock.ts';
import { LongshoreError, type ErrorReason } from '../errors.ts';
import { fileNotFound, findFile } from '../files/file-guard.ts';
import type { FileStore } from '../files/file-store.ts';
import type { NewId } from '../files/ids.ts';
import { formatName, parseName, parseTenantName } from '../files/names.ts';
import { pageSize, type PageTokens } from '../files/page.ts';
import type { VerifyInput } from '../files/verify-file.ts';
import type { Operation } from '../gen/google/longrunning/Operation.ts';
import type { OperationsHandlers } from '../gen/google/longrunning/Operations.ts';
import type { FileServiceHandlers } from '../gen/longshore/v1/FileService.ts';
import { VERIFY_FILE } from '../operations/operation-kinds.ts';
import type { OperationRecord, OperationStore } from '../operations/operation-store.ts';
import type { Calls } from './calls.ts';
import { each } from './each.ts';
import { fromDurationMs, toFile, toTimestamp } from './messages.ts';
import { packAny } from './protos.ts';
import { statusMessage } from './status.ts';

export interface OperationMethodParts {
  operations: OperationStore;
  files: FileStore;
  tokens: PageTokens;
  newId: NewId;
  clock: Clock;
  /** Has the operation carried out, by this process or another. */
  enqueue: (operation: OperationRecord) => Promise<void>;
}

/** How often a waiter looks. */
const WAIT_POLL_MS = 100;
const WAIT_MS_MAX = 10 * 60_000;

/** google.longrunning.Operations. Names are tenants/{tenant}/operations/{operation}. */
export function operationMethods(parts: OperationMethodParts, calls: Calls): OperationsHandlers {
  const { operations, tokens, clock } = parts;
  const find = async (name: string): Promise<OperationRecord> => {
    const { tenantId, id } = parseName('operations', name);
    const operation = await operations.get(tenantId, id);
    if (!operation) throw notFound();
    return operation;
  };
  return {
    GetOperation: calls.unary(async (request, { caller }) => {
      authorize(caller, 'read', parseName('operations', request.name).tenantId);
      return describe(await find(request.name), parts.files);
    }),

    ListOperations: calls.unary(async (request, { caller }) => {
      const tenantId = parseTenantName(request.name.replace(/\/operations$/, ''), 'name');
      authorize(caller, 'read', tenantId);
      const list = [tenantId, 'operations'];
      const cursor = tokens.open(request.pageToken, list);
      const after = cursor && { createTime: new Date(cursor.values[0] ?? 0), operationId: cursor.id };
      const page = await operations.list(tenantId, pageSize(request.pageSize), after);
      const next = page.next && { values: [page.next.createTime.getTime()], id: page.next.operationId };
      return {
        operations: await each(page.operations, (operation) => describe(operation, parts.files)),
        nextPageToken: next ? tokens.seal(next, list) : '',
      };
    }),

    WaitOperation: calls.unary(async (request, { caller, signal }) => {
      authorize(caller, 'read', parseName('operations', request.name).tenantId);
      const waitMs = Math.min(fromDurationMs(request.timeout) ?? WAIT_MS_MAX, WAIT_MS_MAX);
      const deadlineMs = clock.nowMs() + waitMs;
      let operation = await find(request.name);
      while (!operation.done && clock.nowMs() < deadlineMs) {
        await clock.sleep(WAIT_POLL_MS, signal);
        operation = await find(request.name);
      }
      return describe(operation, parts.files);
    }),

    CancelOperation: calls.unary(async (request, { caller }) => {
      const { tenantId, id } = parseName('operations', request.name);
      authorize(caller, 'write', tenantId);
      if (!(await operations.requestCancel(tenantId, id))) throw notFound();
      return {};
    }),

    DeleteOperation: calls.unary(async (request, { caller }) => {
      const { tenantId, id } = parseName('operations', request.name);
      authorize(caller, 'write', tenantId);
      if (!(await operations.delete(tenantId, id))) throw notFound();
      return {};
    }),
  };
}

/** VerifyFile: an operation, since a large file takes its time. */
export function verifyMethods(
  parts: OperationMethodParts,
  calls: Calls,
): Pick<FileServiceHandlers, 'VerifyFile'> {
  return {
    VerifyFile: calls.unary(async (request, { caller }) => {
      const { tenantId, id } = parseName('files', request.name);
      authorize(caller, 'write', tenantId);
      const file = await parts.files.get(tenantId, id);
      if (file.state === 'deleted') throw fileNotFound();
      const { sha256, sizeBytes } = file;
      const input: VerifyInput = { tenantId, fileId: id, sha256, sizeBytes, repair: request.repair };
      const operationId = parts.newId();
      const operation = await parts.operations.create({
        tenantId,
        operationId,
        kind: VERIFY_FILE,
        input: { ...input },
      });
      await parts.enqueue(operation);
      return describe(operation, parts.files);
    }),
  };
}

async function describe(operation: OperationRecord, files: FileStore): Promise<Operation> {
  const { tenantId, operationId, input, done, error } = operation;
  return {
    name: formatName('operations', tenantId, operationId),
    done,
    metadata: packAny('longshore.v1.VerifyFileMetadata', {
      file: formatName('files', tenantId, String(input['fileId'])),
      digest: { sha256: String(input['sha256']), sizeBytes: Number(input['sizeBytes']) },
      createTime: toTimestamp(operation.createTime),
    }),
    ...(error ? { error: statusMessage(fromStored(error)) } : {}),
    ...(operation.result ? { response: await response(operation, files) } : {}),
  };
}

/** Without the file when it is there no more: an operation may outlive it. */
async function response({ tenantId, input, result }: OperationRecord, files: FileStore) {
  const file = await findFile(files, tenantId, String(input['fileId']));
  const verifyTime = toTimestamp(new Date(String(result?.['verifyTime'])));
  return packAny('longshore.v1.VerifyFileResponse', { file: file && toFile(file), verifyTime });
}

function fromStored({ reason, message, metadata }: NonNullable<OperationRecord['error']>): LongshoreError {
  return new LongshoreError(reason as ErrorReason, message, { metadata });
}

function notFound(): LongshoreError {
  return new LongshoreError('FILE_NOT_FOUND', 'There is no such operation.');
}
