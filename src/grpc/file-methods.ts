import { authorize } from '../access/authorize.ts';
import { LongshoreError } from '../errors.ts';
import { fieldInvalid } from '../files/field-invalid.ts';
import type { FileStore } from '../files/file-store.ts';
import { parseFilter } from '../files/parse-filter.ts';
import { pageSize, parseOrder, type PageTokens } from '../files/page.ts';
import { parseName, parseTenantName, checkId } from '../files/names.ts';
import type { FileUpdater } from '../files/update-file.ts';
import type { NewId } from '../files/ids.ts';
import type { FileServiceHandlers } from '../gen/longshore/v1/FileService.ts';
import type { RequestStore } from '../operations/request-store.ts';
import type { Clock } from '../clock.ts';
import type { Calls } from './calls.ts';
import { changesOf } from './file-changes.ts';
import { fittingPage } from './fitting-page.ts';
import { once, type RepeatableRequest } from './once.ts';
import { fromDigest, toFile } from './messages.ts';

export interface FileMethodParts {
  files: FileStore;
  updater: FileUpdater;
  requests: RequestStore;
  tokens: PageTokens;
  newId: NewId;
  clock: Clock;
  /** How long a deleted file can be brought back. */
  deleteGraceMs: number;
  digestsMax: number;
}

type FileMethods = Pick<
  FileServiceHandlers,
  'FindMissingBlobs' | 'GetFile' | 'ListFiles' | 'UpdateFile' | 'CopyFile' | 'DeleteFile' | 'UndeleteFile'
>;

/** The methods on file records: none of them moves content. */
export function fileMethods(parts: FileMethodParts, calls: Calls): FileMethods {
  const { files, tokens } = parts;
  return {
    FindMissingBlobs: calls.unary(async (request, { caller }) => {
      const tenantId = parseTenantName(request.parent);
      authorize(caller, 'read', tenantId);
      if (request.digests.length > parts.digestsMax) {
        throw fieldInvalid(
          'digests',
          `has ${request.digests.length} entries; ${parts.digestsMax} are the most`,
        );
      }
      const digests = request.digests.map((digest, index) => fromDigest(digest, `digests[${index}]`));
      const missing = await files.missingDigests(tenantId, digests);
      return { missing: request.digests.filter(({ sha256 }) => missing.has(sha256)) };
    }),

    GetFile: calls.unary(async (request, { caller }) => {
      const { tenantId, id } = parseName('files', request.name);
      authorize(caller, 'read', tenantId);
      return toFile(await files.get(tenantId, id));
    }),

    ListFiles: calls.unary(async (request, { caller }) => {
      const tenantId = parseTenantName(request.parent);
      authorize(caller, 'read', tenantId);
      const list = [tenantId, request.filter, request.orderBy, String(request.showDeleted)];
      const order = parseOrder(request.orderBy);
      const found = await files.list({
        tenantId,
        filter: parseFilter(request.filter),
        order,
        pageSize: pageSize(request.pageSize),
        cursor: tokens.open(request.pageToken, list),
        showDeleted: request.showDeleted,
      });
      const page = fittingPage(found, order);
      return { files: page.files.map(toFile), nextPageToken: page.next ? tokens.seal(page.next, list) : '' };
    }),

    UpdateFile: calls.unary(async (request, { caller }) => {
      const { file } = request;
      if (!file) throw fieldInvalid('file', 'must be given');
      const { tenantId, id } = parseName('files', file.name, 'file.name');
      authorize(caller, 'write', tenantId);
      const changes = changesOf(file, request.updateMask?.paths ?? []);
      return toFile(await parts.updater.update(tenantId, id, changes, file.etag || null));
    }),

    CopyFile: calls.unary(async (request, { caller, signal }) => {
      const source = parseName('files', request.name);
      const tenantId = parseTenantName(request.parent);
      authorize(caller, 'read', source.tenantId);
      authorize(caller, 'write', tenantId);
      const fileId = request.fileId === '' ? parts.newId() : checkId(request.fileId, 'file_id');
      return once(parts.requests, repeatable('CopyFile', tenantId, request), signal, async () =>
        toFile(await files.copy({ tenantId: source.tenantId, fileId: source.id }, { tenantId, fileId })),
      );
    }),

    DeleteFile: calls.unary(async (request, { caller, signal }) => {
      const { tenantId, id } = parseName('files', request.name);
      authorize(caller, 'write', tenantId);
      return once(parts.requests, repeatable('DeleteFile', tenantId, request), signal, async () => {
        const deleted = await files.delete(tenantId, id, {
          etag: request.etag || null,
          allowMissing: request.allowMissing,
          purgeTime: new Date(parts.clock.nowMs() + parts.deleteGraceMs),
        });
        return deleted ? toFile(deleted) : {};
      });
    }),

    UndeleteFile: calls.unary(async (request, { caller }) => {
      const { tenantId, id } = parseName('files', request.name);
      authorize(caller, 'write', tenantId);
      return toFile(await files.undelete(tenantId, id, request.etag || null));
    }),
  };
}

function repeatable(method: string, tenantId: string, message: { requestId: string }): RepeatableRequest {
  const type = `longshore.v1.${method}Request`;
  return { method, tenantId, requestId: message.requestId, message, type, answer: 'longshore.v1.File' };
}

/** What this deployment cannot do yet says so, instead of pretending. */
export function placementMethods(
  calls: Calls,
): Pick<FileServiceHandlers, 'EnsurePlacement' | 'ListPlacements' | 'ReleasePlacement' | 'ListAuditEvents'> {
  return {
    EnsurePlacement: calls.unary(({ provider }) => {
      throw providerUnsupported('EnsurePlacement', provider);
    }),
    ListPlacements: calls.unary(() => {
      throw providerUnsupported('ListPlacements');
    }),
    ReleasePlacement: calls.unary(() => {
      throw providerUnsupported('ReleasePlacement');
    }),
    ListAuditEvents: calls.unary<unknown, never>(() => {
      throw new LongshoreError('NOT_IMPLEMENTED', 'This server keeps no audit events yet.');
    }),
  };
}

export function providerUnsupported(operation: string, provider = ''): LongshoreError {
  return new LongshoreError('PROVIDER_UNSUPPORTED', 'No provider is configured on this server.', {
    metadata: { provider, operation },
  });
}
