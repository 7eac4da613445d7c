import type { BlobStore } from '../blobs/blob-store.ts';
import type { Damage } from './damage.ts';
import type { FileStore } from './file-store.ts';
import type { FileChanges, FileRecord } from './file.ts';
import { headOfBlob } from './finalize-upload.ts';
import type { MediaTypes } from './media-type.ts';

/** Changes what is said of a file. What could not have been stored under a name or a type does not come to it later. */
export class FileUpdater {
  readonly #files: FileStore;
  readonly #blobs: BlobStore;
  readonly #damage: Damage;
  readonly #mediaTypes: MediaTypes;

  constructor(files: FileStore, blobs: BlobStore, damage: Damage, mediaTypes: MediaTypes) {
    this.#files = files;
    this.#blobs = blobs;
    this.#damage = damage;
    this.#mediaTypes = mediaTypes;
  }

  /**
   * Throws what `FileStore.update` throws; for a new name TYPE_BLOCKED; for a new media type also TYPE_MISMATCH,
   * FILE_TOO_LARGE and, when the content cannot be looked at, BLOB_CORRUPT.
   */
  async update(
    tenantId: string,
    fileId: string,
    changes: FileChanges,
    etag: string | null,
  ): Promise<FileRecord> {
    if (changes.displayName !== undefined || changes.mediaType !== undefined) {
      const file = await this.#files.get(tenantId, fileId);
      if (file.state !== 'deleted') await this.#check(file, changes);
    }
    return this.#files.update(tenantId, fileId, changes, etag);
  }

  async #check(file: FileRecord, { displayName, mediaType }: FileChanges): Promise<void> {
    const declared = {
      mediaType: mediaType ?? file.mediaType,
      displayName: displayName ?? file.displayName,
    };
    if (mediaType === undefined) this.#mediaTypes.checkDeclared(declared, null);
    else await this.#mediaTypes.check(declared, file.sizeBytes, await this.#headOf(file));
  }

  async #headOf({ sha256, state }: FileRecord): Promise<Buffer> {
    if (state === 'quarantined') throw await this.#damage.refusal(sha256);
    try {
      return await headOfBlob(this.#blobs, sha256);
    } catch (error) {
      throw await this.#damage.explain(sha256, error);
    }
  }
}
