import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Why no small disk can be mounted here; null when one can. */
export const smallDiskMissing: string | null =
  process.platform !== 'linux'
    ? 'a tmpfs of a set size needs Linux'
    : process.getuid?.() !== 0
      ? 'mounting a tmpfs needs root'
      : null;

/** A file system of its own with so many bytes of room, until `unmount`. */
export function smallDisk(bytes: number): { folder: string; unmount: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'longshore-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  return {
    folder,
    unmount: () => {
      execFileSync('umount', ['-l', folder]);
      rmdirSync(folder);
    },
  };
}
