import { basename, join } from 'node:path';
import { rmSync } from 'node:fs';
import { createDataFolder, removeDataFolder } from './data-folder.ts';
import { load } from './load.ts';
import type { LoadFlags, LoadResult } from './load.ts';
import type { ServerKind } from './row.ts';
import { startServer } from './servers.ts';
import type { RunningServer } from './servers.ts';

export interface Contender {
  readonly kind: ServerKind;
  readonly server: RunningServer;
  readonly dataFolder: string;
}

/** Starts one server for each name, each on a folder of its own, for as long as `work` takes. */
export async function withContenders<Name extends string, T>(
  kinds: Readonly<Record<Name, ServerKind>>,
  place: 'memory' | 'disk',
  work: (contenders: Record<Name, Contender>) => Promise<T>,
): Promise<T> {
  const started = {} as Record<Name, Contender>;
  const dataFolders: string[] = [];
  try {
    for (const name of Object.keys(kinds) as Name[]) {
      const dataFolder = createDataFolder(place);
      dataFolders.push(dataFolder);
      started[name] = {
        kind: kinds[name],
        server: await startServer(kinds[name], dataFolder),
        dataFolder,
      };
    }
    return await work(started);
  } finally {
    const stops = Object.values<Contender>(started).map(({ server }) => server.stop());
    // What was measured still counts, so a server that does not end is only told of.
    for (const stop of await Promise.allSettled(stops)) {
      if (stop.status === 'rejected') process.stderr.write(`${String(stop.reason)}\n`);
    }
    dataFolders.forEach(removeDataFolder);
  }
}

/** Uploads new content to a contender and gives the load's result with the CPU seconds that the server used. */
export async function write(
  { server }: Contender,
  flags: Omit<LoadFlags, 'target'>,
  target = server.target,
): Promise<LoadResult & { cpuSeconds: number }> {
  const { result, cpuSeconds } = await server.cpuSecondsDuring(() => load('write', { target, ...flags }));
  return { ...result, cpuSeconds };
}

/** Reads a file of a contender, counted as `write` is. */
export async function read(
  { server }: Contender,
  flags: Omit<LoadFlags, 'target'>,
  target = server.target,
): Promise<LoadResult & { cpuSeconds: number }> {
  const { result, cpuSeconds } = await server.cpuSecondsDuring(() => load('read', { target, ...flags }));
  return { ...result, cpuSeconds };
}

/** A peer keeps each upload as a plain file; what is not read again is given back to the memory. */
export function forgetUpload({ kind, dataFolder }: Contender, file: string): void {
  if (kind !== 'longshore') rmSync(join(dataFolder, basename(file)));
}
