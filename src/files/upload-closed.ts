import { LongshoreError } from '../errors.ts';
import type { UploadState } from './upload.ts';

export function uploadNotFound(): LongshoreError {
  return new LongshoreError('UPLOAD_NOT_FOUND', 'There is no such upload.');
}

/** Why an upload that ended takes no bytes: UPLOAD_EXPIRED (metadata `time`) or UPLOAD_CLOSED (metadata `state`). */
export function uploadClosed(state: UploadState, expireTime: Date): LongshoreError {
  if (state === 'open' || state === 'expired') {
    const time = expireTime.toISOString();
    return new LongshoreError('UPLOAD_EXPIRED', `The upload expired at ${time}.`, { metadata: { time } });
  }
  return new LongshoreError('UPLOAD_CLOSED', `The upload is ${state} and takes no more bytes.`, {
    metadata: { state },
  });
}

export function writerSuperseded(): LongshoreError {
  return new LongshoreError('WRITER_SUPERSEDED', 'A newer writer has taken this upload over.');
}
