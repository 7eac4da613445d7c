/** Where a file is in its life. `deleted` can be undone until it is purged; `quarantined` content is not served. */
export type FileState = 'active' | 'deleted' | 'quarantined';

/** A named record that points to content. Many files may share one blob. */
export interface FileRecord {
  tenantId: string;
  fileId: string;
  displayName: string;
  mediaType: string;
  /** SHA-256 of the content, lower-case hex; always the verified one. */
  sha256: string;
  sizeBytes: number;
  labels: Record<string, string>;
  /** Free metadata, any JSON object. */
  metadata: Record<string, unknown>;
  state: FileState;
  /** Changes with every change of the record. */
  etag: string;
  region: string;
  accessCount: number;
  createTime: Date;
  updateTime: Date;
  accessTime: Date | null;
  expireTime: Date | null;
  deleteTime: Date | null;
  purgeTime: Date | null;
  retainUntilTime: Date | null;
}

/** What the caller says about a file that is to be made. */
export interface FileSpec {
  fileId: string;
  displayName: string;
  mediaType: string;
  labels: Record<string, string>;
  metadata: Record<string, unknown>;
  region: string;
  expireTime: Date | null;
  retainUntilTime: Date | null;
}

/** Fields that `UpdateFile` may change; absent means unchanged. */
export type FileChanges = Partial<
  Pick<FileRecord, 'displayName' | 'mediaType' | 'labels' | 'metadata' | 'expireTime' | 'retainUntilTime'>
>;
