import { LongshoreClientError } from '../client/client-error.ts';
import type { File } from '../client/file.ts';
import type { Session } from './session.ts';

/** What an argument stands for: a file (with others of the same name, older ones), or all files of a folder. */
export type Found =
  | { readonly kind: 'file'; readonly file: File; readonly namesakes: readonly File[] }
  | { readonly kind: 'folder'; readonly files: AsyncIterable<File> };

/** More files of one name than this are not listed. */
const NAMESAKES_MAX = 20;
const NEWEST_FIRST = 'create_time desc';

/**
 * The file that `argument` names: by `tenants/.../files/...`, by `sha256:<hex>`, by the name that people call it (the
 * newest of that name), by its id; or, ending in `/`, every file whose name begins with it. Rejects with
 * FILE_NOT_FOUND, which names the argument.
 */
export async function findFiles(session: Session, argument: string): Promise<Found> {
  const { client, signal } = session;
  if (argument.startsWith('tenants/')) return alone(await client.stat(argument, { signal }));
  if (argument.startsWith('sha256:')) {
    const sha256 = argument.slice('sha256:'.length);
    return (await newest(session, `digest.sha256 = "${quoted(sha256)}"`)) ?? notFound(argument);
  }
  if (argument.endsWith('/')) {
    return (await folder(session, argument)) ?? notFound(argument);
  }
  const byName = await newest(session, `display_name = "${quoted(argument)}"`);
  if (byName !== undefined) return byName;
  if (/^[a-z0-9][a-z0-9_-]{0,39}$/.test(argument)) {
    const byId = await client.stat(argument, { signal }).catch(ifMissing);
    if (byId !== undefined) return alone(byId);
  }
  return (await folder(session, `${argument}/`)) ?? notFound(argument);
}

/** Those that an argument stands for, one after another. */
export async function* eachFound(found: Found): AsyncGenerator<File, void, undefined> {
  if (found.kind === 'file') yield found.file;
  else yield* found.files;
}

/** Text inside the quotes of a filter, meant as it is. */
export function quoted(text: string): string {
  return text.replace(/[\\"*]/g, '\\$&');
}

function alone(file: File): Found {
  return { kind: 'file', file, namesakes: [] };
}

async function newest(session: Session, filter: string): Promise<Found | undefined> {
  const files: File[] = [];
  const { client, signal } = session;
  for await (const file of client.list({ filter, orderBy: NEWEST_FIRST, pageSize: NAMESAKES_MAX, signal })) {
    files.push(file);
    if (files.length === NAMESAKES_MAX) break;
  }
  const [file, ...namesakes] = files;
  return file === undefined ? undefined : { kind: 'file', file, namesakes };
}

/** The folder's files in the order of their names, older ones of the same name left out. */
async function folder(session: Session, prefix: string): Promise<Found | undefined> {
  const { client, signal } = session;
  const filter = `display_name = "${quoted(prefix)}*"`;
  const files = client.list({ filter, orderBy: 'display_name, create_time desc', signal });
  const first = await files.next();
  if (first.done === true) return undefined;
  return { kind: 'folder', files: newestOfEach(first.value, files) };
}

async function* newestOfEach(first: File, rest: AsyncIterable<File>): AsyncGenerator<File, void, undefined> {
  yield first;
  let last = first.displayName;
  for await (const file of rest) {
    if (file.displayName !== last) yield file;
    last = file.displayName;
  }
}

function ifMissing(error: unknown): undefined {
  if (error instanceof LongshoreClientError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}

function notFound(argument: string): never {
  throw new LongshoreClientError('NOT_FOUND', 'FILE_NOT_FOUND', `There is no file "${argument}".`);
}
