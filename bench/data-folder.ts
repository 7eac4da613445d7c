import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where data lies that must not wait for a disk. */
const memoryFolder = '/dev/shm';

const created = new Set<string>();

/** A fresh folder for a server's data. `memory`: not on a disk at all, where the system has such a place. */
export function createDataFolder(place: 'memory' | 'disk', parent = tmpdir()): string {
  const folder = mkdtempSync(
    join(place === 'memory' && existsSync(memoryFolder) ? memoryFolder : parent, 'longshore-bench-'),
  );
  created.add(folder);
  return folder;
}

export function removeDataFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  created.delete(folder);
}

/** Removes what is left, for the end of a bench that was interrupted. */
export function removeAllDataFolders(): void {
  created.forEach(removeDataFolder);
}

/** Throws a sentence unless `bytes` are free where `folder` is. */
export function requireFreeBytes(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= bytes) return;
  throw new Error(
    `${folder} needs ${Math.ceil(bytes / 2 ** 30)} GiB free, and has ${Math.floor((bavail * bsize) / 2 ** 30)}`,
  );
}

/**
 * Touches `bytes` of a memory-backed folder once. In a virtual machine the first use of a page costs the host's page
 * fault, several times the write itself, and would be charged to whichever contender comes first.
 */
export async function warmMemoryFolder(folder: string, bytes: number): Promise<void> {
  const name = join(folder, 'warm-up');
  const piece = Buffer.alloc(16 * 2 ** 20, 1);
  const file = await open(name, 'w');
  try {
    for (let written = 0; written < bytes; written += piece.length) await file.write(piece);
  } finally {
    await file.close();
    await rm(name);
  }
}
