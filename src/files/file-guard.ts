import { LongshoreError } from '../errors.ts';
import type { FileStore } from './file-store.ts';
import type { FileRecord } from './file.ts';
import { formatName } from './names.ts';

/** FILE_NOT_FOUND in the one form that it has for what is missing and for what is not the caller's. */
export function fileNotFound(): LongshoreError {
  return new LongshoreError('FILE_NOT_FOUND', 'There is nothing of that name.');
}

/** Null when it is there no more: for what outlives a file that is purged. */
export async function findFile(
  files: FileStore,
  tenantId: string,
  fileId: string,
): Promise<FileRecord | null> {
  try {
    return await files.get(tenantId, fileId);
  } catch (error) {
    if (error instanceof LongshoreError && error.reason === 'FILE_NOT_FOUND') return null;
    throw error;
  }
}

/** FILE_NOT_FOUND in a batch: says which (metadata `name`). */
export function oneNotFound(tenantId: string, fileId: string): LongshoreError {
  const name = formatName('files', tenantId, fileId);
  return new LongshoreError('FILE_NOT_FOUND', `There is no file ${name}.`, { metadata: { name } });
}

export function alreadyExists(tenantId: string, fileId: string): LongshoreError {
  const name = formatName('files', tenantId, fileId);
  return new LongshoreError('ALREADY_EXISTS', `There is a file ${name} already.`, { metadata: { name } });
}

/** Throws ETAG_MISMATCH unless `etag` is null or the file's own. */
export function requireEtag(file: FileRecord, etag: string | null): void {
  if (etag === null || etag === file.etag) return;
  throw new LongshoreError('ETAG_MISMATCH', 'The file was changed meanwhile: read it again.', {
    metadata: { etag: file.etag },
  });
}

/** Throws RETENTION_ACTIVE while the file may be neither deleted nor replaced. */
export function requireNotRetained(file: FileRecord, now: Date): void {
  const until = file.retainUntilTime;
  if (until === null || until <= now) return;
  throw new LongshoreError('RETENTION_ACTIVE', `The file is kept unchanged until ${until.toISOString()}.`, {
    metadata: { until: until.toISOString() },
  });
}

/** Throws RETENTION_ACTIVE when a retention that holds would end earlier than it does; it may be made longer. */
export function requireRetentionKept(file: FileRecord, retainUntilTime: Date | null, now: Date): void {
  const shorter = retainUntilTime === null || retainUntilTime < (file.retainUntilTime ?? now);
  if (shorter) requireNotRetained(file, now);
}
