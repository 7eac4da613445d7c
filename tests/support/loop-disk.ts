import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, constants, existsSync, mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from './until.ts';

/** Why no power cut can be played here; null when one can. */
export const loopDiskMissing: string | null = whyNot();

function whyNot(): string | null {
  if (process.platform !== 'linux') return 'loop-mounted ext4 needs Linux';
  if (process.getuid?.() !== 0) return 'mounting a loop device needs root';
  if (!existsSync('/dev/loop-control')) return 'there are no loop devices';
  if (spawnSync('mkfs.ext4', ['-V']).error !== undefined)
    return 'mkfs.ext4 is missing (apt-get install e2fsprogs)';
  return null;
}

/**
 * An ext4 of its own whose power can be cut: a copy of its device holds what would be on the disk at that moment. The journal
 * is committed by the clock only every five minutes, so that nothing is durable but what was synced.
 */
export class LoopDisk {
  readonly folder: string;
  readonly #root: string;
  readonly #image: string;
  #cuts = 0;

  constructor(bytes: number) {
    this.#root = mkdtempSync(path.join(tmpdir(), 'longshore-loop-'));
    this.#image = path.join(this.#root, 'disk.img');
    execFileSync('truncate', ['-s', String(bytes), this.#image]);
    execFileSync('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', this.#image]);
    this.folder = this.#mount(this.#image, 'disk');
  }

  /** What the device holds right now, to be looked at later. */
  cut(): string {
    const copy = path.join(this.#root, `cut-${(this.#cuts += 1)}.img`);
    copyFileSync(this.#image, copy, constants.COPYFILE_FICLONE);
    return copy;
  }

  /** Starts again from such a copy: mounts it, calls `look` with the folder, unmounts and removes it. */
  async restart(copy: string, look: (folder: string) => Promise<void>): Promise<void> {
    const folder = this.#mount(copy, path.basename(copy, '.img'));
    try {
      await look(folder);
    } finally {
      // A job's thread may let go of its file a moment after its promise was settled.
      await until(() => spawnSync('umount', [folder]).status === 0);
      rmSync(copy);
    }
  }

  remove(): void {
    execFileSync('umount', ['-l', this.folder]);
    rmSync(this.#root, { recursive: true, force: true });
  }

  #mount(image: string, name: string): string {
    const folder = path.join(this.#root, name);
    mkdirSync(folder);
    execFileSync('mount', ['-o', 'loop,commit=300,noauto_da_alloc', image, folder]);
    return folder;
  }
}
