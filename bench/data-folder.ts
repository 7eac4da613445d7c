import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where data lies that must not wait for a disk. */
const memoryFolder = '/dev/shm';

/** A fresh folder for a server's data. `memory`: not on a disk at all, where the system has such a place. */
export function createDataFolder(place: 'memory' | 'disk', parent = tmpdir()): string {
  const folder = place === 'memory' && existsSync(memoryFolder) ? memoryFolder : parent;
  return mkdtempSync(join(folder, 'longshore-bench-'));
}

export function removeDataFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
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
export function warmMemoryFolder(folder: string, bytes: number): void {
  const file = join(folder, 'warm-up');
  const piece = Buffer.alloc(16 * 2 ** 20, 1);
  const fd = openSync(file, 'w');
  try {
    for (let written = 0; written < bytes; written += piece.length) writeSync(fd, piece);
  } finally {
    closeSync(fd);
    rmSync(file);
  }
}
