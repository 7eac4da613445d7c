import type { FileSpec } from '../../src/files/file.ts';
import type { NewUpload } from '../../src/files/upload-store.ts';

export function uploadOf(
  tenantId: string,
  uploadId: string,
  file: FileSpec,
  changes: Partial<NewUpload> = {},
): NewUpload {
  return {
    tenantId,
    uploadId,
    requestId: null,
    file,
    totalSize: null,
    expectedSha256: null,
    parallel: false,
    mustNotExist: false,
    placeOn: [],
    expireTime: new Date(Date.now() + 3_600_000),
    ...changes,
  };
}
