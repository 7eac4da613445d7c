/**
 * The messages of `proto/longshore/v1` that the client uses, as proto-loader gives and takes them: camelCase, 64-bit
 * numbers as JavaScript numbers (exact up to 8 PiB), enums by name, defaults filled in, `null` for an absent message.
 */

export interface TimestampMessage {
  seconds: number;
  nanos: number;
}

export interface DigestMessage {
  sha256: string;
  sizeBytes: number;
}

export interface AnyMessage {
  type_url: string;
  value: Buffer;
}

export interface StatusMessage {
  code: number;
  message: string;
  details: AnyMessage[];
}

export interface FileMessage {
  name: string;
  displayName: string;
  mediaType: string;
  digest: DigestMessage | null;
  labels: Record<string, string>;
  state: 'STATE_UNSPECIFIED' | 'CREATING' | 'ACTIVE' | 'DELETED' | 'QUARANTINED';
  etag: string;
  createTime: TimestampMessage | null;
  updateTime: TimestampMessage | null;
  accessTime: TimestampMessage | null;
  expireTime: TimestampMessage | null;
  deleteTime: TimestampMessage | null;
  purgeTime: TimestampMessage | null;
  retainUntilTime: TimestampMessage | null;
  region: string;
}

export interface UploadMessage {
  name: string;
  file: FileMessage | null;
  totalSize?: number;
  expectedDigest: DigestMessage | null;
  persistedSize: number;
  state: 'STATE_UNSPECIFIED' | 'OPEN' | 'FINALIZING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'EXPIRED';
  deduplicated: boolean;
  error: StatusMessage | null;
}

export interface ChunkMessage {
  content: Buffer;
  crc32c?: number;
}

export interface WriteUploadRequest {
  upload?: string;
  offset: number;
  chunk?: { content: Uint8Array; crc32c: number };
  finish?: boolean;
  finalDigest?: DigestMessage;
}

export interface WriteUploadResponse {
  result?: 'progress' | 'file';
  progress?: UploadMessage;
  file?: FileMessage;
}

export interface ReadFileRequest {
  file?: string;
  digest?: { sha256: string };
  parent?: string;
  offset: number;
  limit: number;
  ifEtagMatch?: string;
  preferredChunkBytes?: number;
}

export interface ReadHeaderMessage {
  file: FileMessage | null;
  range: { offset: number; length: number } | null;
  totalSize?: number;
  servedFrom: string;
}

export interface ReadFileResponse {
  frame?: 'header' | 'data' | 'trailer' | 'heartbeat';
  header?: ReadHeaderMessage;
  data?: { offset: number; chunk: ChunkMessage | null };
  trailer?: { digest: DigestMessage | null; rangeCrc32c: number; bytesSent: number };
}

export interface OperationMessage {
  name: string;
  done: boolean;
  result?: 'error' | 'response';
  error?: StatusMessage;
  response?: AnyMessage;
}

export interface ServerInfoMessage {
  version: string;
  features: string[];
  maxReadChunkBytes: number;
  maxWriteChunkBytes: number;
  recommendedChunkBytes: number;
  maxFileSizeBytes: number;
  maxBatchBytes: number;
  maxBatchItems: number;
  sha256Implementation: string;
}

/** What a caller may say of a file that is to be made or changed. */
export interface FileMessageInput {
  name?: string;
  displayName?: string;
  mediaType?: string;
  labels?: Readonly<Record<string, string>>;
  etag?: string;
  expireTime?: TimestampMessage | null;
  retainUntilTime?: TimestampMessage | null;
}

/** Every call that is one request and one response. */
export interface UnaryMethods {
  'longshore.v1.FileService/GetServerInfo': { request: object; response: ServerInfoMessage };
  'longshore.v1.FileService/FindMissingBlobs': {
    request: { parent: string; digests: readonly DigestMessage[] };
    response: { missing: DigestMessage[] };
  };
  'longshore.v1.FileService/GetFile': { request: { name: string }; response: FileMessage };
  'longshore.v1.FileService/ListFiles': {
    request: {
      parent: string;
      pageSize: number;
      pageToken: string;
      filter: string;
      orderBy: string;
      showDeleted: boolean;
    };
    response: { files: FileMessage[]; nextPageToken: string };
  };
  'longshore.v1.FileService/UpdateFile': {
    request: { file: FileMessageInput; updateMask: { paths: readonly string[] } };
    response: FileMessage;
  };
  'longshore.v1.FileService/CopyFile': {
    request: { name: string; parent: string; fileId: string; requestId: string };
    response: FileMessage;
  };
  'longshore.v1.FileService/DeleteFile': {
    request: { name: string; etag: string; allowMissing: boolean; requestId: string };
    response: FileMessage;
  };
  'longshore.v1.FileService/UndeleteFile': {
    request: { name: string; etag: string };
    response: FileMessage;
  };
  'longshore.v1.FileService/VerifyFile': {
    request: { name: string; repair: boolean };
    response: OperationMessage;
  };
  'longshore.v1.FileService/CreateUpload': {
    request: {
      parent: string;
      file: FileMessageInput;
      fileId: string;
      requestId: string;
      totalSize?: number;
      expectedDigest?: DigestMessage;
      mustNotExist: boolean;
    };
    response: UploadMessage;
  };
  'longshore.v1.FileService/GetUpload': { request: { name: string }; response: UploadMessage };
  'longshore.v1.FileService/CancelUpload': { request: { name: string }; response: object };
  'google.longrunning.Operations/GetOperation': { request: { name: string }; response: OperationMessage };
}
