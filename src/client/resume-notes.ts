import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Notes older than this belong to uploads that the server has long given up. */
const NOTE_AGE_MS_MAX = 30 * 24 * 3600 * 1000;
/** How many notes one sweep looks at. */
const SWEEP_NOTES_MAX = 1_000;
/** A note is one line of JSON; anything longer is not ours. */
const NOTE_BYTES_MAX = 16 * 1024;

/** Where a user's notes lie unless told otherwise. */
export function defaultNotesFolder(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'longshore');
  if (platform === 'win32') return join(homedir(), 'AppData', 'Local', 'longshore');
  return join(homedir(), '.local', 'state', 'longshore');
}

/** Paths of the locks that this process holds; a lock file with our pid that is not among them is left from another life. */
const held = new Set<string>();

/** One transfer's note, ours alone until it is let go. */
export interface NoteClaim {
  /** What an earlier attempt left, if anything. */
  readonly note: Readonly<Record<string, unknown>> | undefined;
  write(note: Readonly<Record<string, unknown>>): Promise<void>;
  /** The transfer is over: nothing is left to resume. */
  forget(): Promise<void>;
  /** Lets go of it and leaves the note for the next attempt. */
  letGo(): Promise<void>;
}

/**
 * What a transfer must know to be resumed by another process: one small file each in a folder that only this user may
 * read, for an upload's name carries the right to write to it. Where the folder cannot be used, nothing is remembered
 * and transfers work all the same.
 */
export class ResumeNotes {
  readonly #folder: string;
  readonly #nowMs: () => number;
  #swept = false;

  constructor(folder: string, nowMs: () => number) {
    this.#folder = folder;
    this.#nowMs = nowMs;
  }

  /** The note for `key`, or undefined while another transfer, of this or another living process, holds it. */
  async claim(key: readonly string[]): Promise<NoteClaim | undefined> {
    const id = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32);
    const lock = this.#path(id, 'lock');
    if (held.has(lock)) return undefined;
    held.add(lock);
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await this.#sweep();
      if (!(await this.#lock(id))) {
        held.delete(lock);
        return undefined;
      }
      return this.#claimed(id, key, await this.#read(id));
    } catch {
      // No such folder to be had: a read-only home, no disk space. The transfer does not depend on it.
      return this.#forgetful(id);
    }
  }

  #claimed(id: string, key: readonly string[], note: NoteClaim['note']): NoteClaim {
    const path = this.#path(id, 'json');
    const letGo = async (): Promise<void> => {
      await quietly(rm(this.#path(id, 'lock'), { force: true }));
      held.delete(this.#path(id, 'lock'));
    };
    return {
      note,
      write: (next) =>
        quietly(
          (async () => {
            // Renamed into place: a note is whole or not there.
            await writeFile(`${path}.new`, JSON.stringify({ version: 1, key, note: next }), { mode: 0o600 });
            await rename(`${path}.new`, path);
          })(),
        ),
      forget: async () => {
        await quietly(rm(path, { force: true }));
        await letGo();
      },
      letGo,
    };
  }

  #forgetful(id: string): NoteClaim {
    const letGo = (): Promise<void> => {
      held.delete(this.#path(id, 'lock'));
      return Promise.resolve();
    };
    return { note: undefined, write: () => Promise.resolve(), forget: letGo, letGo };
  }

  async #read(id: string): Promise<NoteClaim['note']> {
    const text = await readFile(this.#path(id, 'json'), 'utf8').catch(() => '');
    if (text === '' || text.length > NOTE_BYTES_MAX) return undefined;
    try {
      const parsed = JSON.parse(text) as { version?: unknown; note?: unknown };
      return parsed.version === 1 && isRecord(parsed.note) ? parsed.note : undefined;
    } catch {
      return undefined;
    }
  }

  /** A lock whose process is gone is taken over. Losing the race for one costs a resume, never a byte. */
  async #lock(id: string): Promise<boolean> {
    const path = this.#path(id, 'lock');
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        const handle = await open(path, 'wx', 0o600);
        try {
          await handle.writeFile(String(process.pid));
        } finally {
          await handle.close();
        }
        return true;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
      const holder = Number(await readFile(path, 'utf8').catch(() => ''));
      if (holder !== process.pid && isAlive(holder)) return false;
      await rm(path, { force: true });
    }
    return false;
  }

  async #sweep(): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    const names = (await readdir(this.#folder)).filter((name) => /^[0-9a-f]{32}\./.test(name));
    for (const name of names.slice(0, SWEEP_NOTES_MAX)) {
      const path = join(this.#folder, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: this.#nowMs() }));
      if (this.#nowMs() - mtimeMs > NOTE_AGE_MS_MAX) await quietly(rm(path, { force: true }));
    }
  }

  #path(id: string, extension: string): string {
    return join(this.#folder, `${id}.${extension}`);
  }
}

/** The same shape for a transfer that keeps no note. */
export const NO_NOTE: NoteClaim = {
  note: undefined,
  write: () => Promise.resolve(),
  forget: () => Promise.resolve(),
  letGo: () => Promise.resolve(),
};

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined);
}
