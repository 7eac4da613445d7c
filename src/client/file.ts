import type { FileMessage, TimestampMessage } from './messages.ts';

/** A named record at the server that points to content. Many files may share one content. */
export interface File {
  /** `tenants/{tenant}/files/{file}`: what every call takes. */
  readonly name: string;
  /** What people call it. */
  readonly displayName: string;
  readonly mediaType: string;
  /** SHA-256 of the content in lower-case hex: the server's own, verified one. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'STATE_UNSPECIFIED' | 'CREATING' | 'ACTIVE' | 'DELETED' | 'QUARANTINED';
  /** Changes with every change of the record. */
  readonly etag: string;
  readonly createTime: Date | null;
  readonly updateTime: Date | null;
  readonly accessTime: Date | null;
  /** When it goes by itself. */
  readonly expireTime: Date | null;
  readonly deleteTime: Date | null;
  /** When a deleted file is gone for good. */
  readonly purgeTime: Date | null;
  /** It cannot be deleted before this. */
  readonly retainUntilTime: Date | null;
  readonly region: string;
}

export function fileFromMessage(message: FileMessage): File {
  return {
    name: message.name,
    displayName: message.displayName,
    mediaType: message.mediaType,
    sha256: message.digest?.sha256 ?? '',
    sizeBytes: message.digest?.sizeBytes ?? 0,
    labels: message.labels,
    state: message.state,
    etag: message.etag,
    createTime: dateFromTimestamp(message.createTime),
    updateTime: dateFromTimestamp(message.updateTime),
    accessTime: dateFromTimestamp(message.accessTime),
    expireTime: dateFromTimestamp(message.expireTime),
    deleteTime: dateFromTimestamp(message.deleteTime),
    purgeTime: dateFromTimestamp(message.purgeTime),
    retainUntilTime: dateFromTimestamp(message.retainUntilTime),
    region: message.region,
  };
}

function dateFromTimestamp(timestamp: TimestampMessage | null): Date | null {
  return timestamp === null ? null : new Date(timestamp.seconds * 1000 + timestamp.nanos / 1e6);
}

/** Microseconds and below are lost: a Date holds milliseconds. */
export function timestampFromDate(date: Date): TimestampMessage {
  const seconds = Math.floor(date.getTime() / 1000);
  return { seconds, nanos: (date.getTime() - seconds * 1000) * 1e6 };
}
