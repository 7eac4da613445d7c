import { authorize } from '../access/authorize.ts';
import type { PartFiles } from '../blobs/part-files.ts';
import type { UploadCreator } from '../files/create-upload.ts';
import { fieldInvalid } from '../files/field-invalid.ts';
import { findFile } from '../files/file-guard.ts';
import type { FileStore } from '../files/file-store.ts';
import type { NewId } from '../files/ids.ts';
import { parseName, parseTenantName } from '../files/names.ts';
import { OpenUpload } from '../files/open-upload.ts';
import { pageSize, type PageTokens } from '../files/page.ts';
import { uploadClosed } from '../files/upload-closed.ts';
import type { UploadReceiver } from '../files/upload-receiver.ts';
import type { UploadResults } from '../files/upload-results.ts';
import type { UploadStore } from '../files/upload-store.ts';
import type { UploadRecord } from '../files/upload.ts';
import type { FileServiceHandlers } from '../gen/longshore/v1/FileService.ts';
import type { Upload } from '../gen/longshore/v1/Upload.ts';
import type { Calls } from './calls.ts';
import { each } from './each.ts';
import { providerUnsupported } from './file-methods.ts';
import { fromDigest, fromDurationMs, fromFile, requireSize, toFile, toUpload } from './messages.ts';
import { checkRequestId } from './once.ts';
import { WRITE_CHUNK_BYTES_MAX } from './write-upload.ts';

export interface UploadMethodParts {
  creator: UploadCreator;
  uploads: UploadStore;
  files: FileStore;
  receiver: UploadReceiver;
  results: UploadResults;
  partFiles: PartFiles;
  tokens: PageTokens;
  newId: NewId;
}

type UploadMethods = Pick<
  FileServiceHandlers,
  'CreateUpload' | 'GetUpload' | 'ListUploads' | 'WriteUploadPart' | 'FinalizeUpload' | 'CancelUpload'
>;

/** The unary methods of uploads. The name of an upload carries the right to write it, within its tenant. */
export function uploadMethods(parts: UploadMethodParts, calls: Calls): UploadMethods {
  const { uploads, receiver, tokens } = parts;
  return {
    CreateUpload: calls.unary(async (request, { caller }) => {
      const tenantId = parseTenantName(request.parent);
      authorize(caller, 'write', tenantId);
      const [provider] = request.placeOn;
      if (provider !== undefined) throw providerUnsupported('CreateUpload', provider);
      const upload = await parts.creator.create({
        tenantId,
        file: fromFile(request.file, request.fileId || parts.newId()),
        requestId: checkRequestId(request.requestId) || null,
        totalSize: request.totalSize === undefined ? null : requireSize(request.totalSize, 'total_size'),
        expectedDigest: request.expectedDigest ? fromDigest(request.expectedDigest, 'expected_digest') : null,
        parallel: request.parallel,
        mustNotExist: request.mustNotExist,
        placeOn: request.placeOn,
        ttlMs: fromDurationMs(request.ttl),
      });
      return describe(upload, parts);
    }),

    GetUpload: calls.unary(async (request, { caller }) => {
      const { tenantId, id } = parseName('uploads', request.name);
      authorize(caller, 'write', tenantId);
      return describe(await uploads.get(tenantId, id), parts);
    }),

    ListUploads: calls.unary(async (request, { caller }) => {
      const tenantId = parseTenantName(request.parent);
      authorize(caller, 'write', tenantId);
      const list = [tenantId, 'uploads'];
      const cursor = tokens.open(request.pageToken, list);
      const after = cursor && { createTime: new Date(cursor.values[0] ?? 0), uploadId: cursor.id };
      const page = await uploads.list(tenantId, pageSize(request.pageSize), after);
      const next = page.next && { values: [page.next.createTime.getTime()], id: page.next.uploadId };
      return {
        uploads: await each(page.uploads, (upload) => describe(upload, parts)),
        nextPageToken: next ? tokens.seal(next, list) : '',
      };
    }),

    WriteUploadPart: calls.unary(async (request, { caller, signal }) => {
      const { tenantId, id } = parseName('uploads', request.upload, 'upload');
      authorize(caller, 'write', tenantId);
      const content = request.chunk?.content ?? Buffer.alloc(0);
      if (content.length === 0) throw fieldInvalid('chunk.content', 'must not be empty');
      if (content.length > WRITE_CHUNK_BYTES_MAX) {
        throw fieldInvalid(
          'chunk.content',
          `is ${content.length} bytes; ${WRITE_CHUNK_BYTES_MAX} are the most`,
        );
      }
      const open = await parts.results.attach(tenantId, id, signal);
      if (!(open instanceof OpenUpload)) return describe(await uploads.get(tenantId, id), parts);
      try {
        await open.write({
          offset: requireSize(request.offset, 'offset'),
          segments: [content],
          bytes: content.length,
          crc32c: request.chunk?.crc32c ?? null,
        });
        return toUpload(open.upload, await open.sync(), null);
      } finally {
        await receiver.detach(open);
      }
    }),

    FinalizeUpload: calls.unary(async (request, { caller, signal }) => {
      const { tenantId, id } = parseName('uploads', request.upload, 'upload');
      authorize(caller, 'write', tenantId);
      const digest = request.finalDigest ? fromDigest(request.finalDigest, 'final_digest') : null;
      return toFile(
        await parts.results.finishAlone({ tenantId, uploadId: id }, digest?.sha256 ?? null, signal),
      );
    }),

    CancelUpload: calls.unary(async (request, { caller }) => {
      const { tenantId, id } = parseName('uploads', request.name);
      authorize(caller, 'write', tenantId);
      await uploads.cancel(tenantId, id);
      const { state, expireTime } = await uploads.get(tenantId, id);
      await receiver.release(id, uploadClosed(state, expireTime));
      await parts.partFiles.discard(id);
      return {};
    }),
  };
}

/** An upload with what is on disk of it, or with the file that it has become. */
async function describe(upload: UploadRecord, parts: UploadMethodParts): Promise<Upload> {
  if (upload.state === 'completed')
    return toUpload(upload, null, await findFile(parts.files, upload.tenantId, upload.file.fileId));
  if (upload.state !== 'open' && upload.state !== 'finalizing') return toUpload(upload, null, null);
  // The journals know of every writer, also of those that other processes serve.
  return toUpload(upload, await parts.partFiles.inspect(upload.uploadId), null);
}
