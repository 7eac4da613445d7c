import { LongshoreClientError } from '../client/client-error.ts';
import { formatDuration } from './amounts.ts';
import { printable } from './printable.ts';

const SYSTEM_SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  EACCES: 'may not be opened by this user',
  EPERM: 'may not be opened by this user',
  EISDIR: 'is a folder',
  ENOTDIR: 'goes through something that is not a folder',
  ENOSPC: 'cannot be written: the disk is full',
  EDQUOT: "cannot be written: this user's quota is used up",
  EROFS: 'cannot be written: the disk is read-only',
  ENAMETOOLONG: 'has a name that this file system does not take',
  EMFILE: 'cannot be opened: this process has too many files open',
  ELOOP: 'is a symlink that leads round in a circle',
  EIO: 'cannot be read or written: the disk failed',
};

/** One sentence for whatever went wrong, fit for a terminal. */
export function sentence(error: unknown): string {
  if (error instanceof LongshoreClientError) return printable(clientSentence(error));
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    const known = SYSTEM_SENTENCES[error.code];
    const path = 'path' in error && typeof error.path === 'string' ? `"${error.path}"` : 'It';
    if (known !== undefined) return printable(`${path} ${known}.`);
    if (error.code === 'EPIPE') return 'Whoever was reading our output went away.';
  }
  return printable(error instanceof Error ? error.message : String(error));
}

function clientSentence(error: LongshoreClientError): string {
  const parts = [unreachable(error) ?? error.message];
  for (const { field, description } of error.violations) {
    if (!error.message.includes(description)) parts.push(`${field} ${description}.`);
  }
  if (error.retryAfterMs !== undefined) parts.push(`Try again in ${formatDuration(error.retryAfterMs)}.`);
  return parts.join(' ');
}

function unreachable(error: LongshoreClientError): string | undefined {
  if (error.code !== 'UNAVAILABLE' || error.reason !== '') return undefined;
  return `The server cannot be reached (${error.message}).`;
}
