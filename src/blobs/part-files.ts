import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { LongshoreError } from '../errors.ts';
import { isNativeError } from '../native/native-error.ts';
import { inspectPartFile, openPartFile, type PartFile, type Persisted } from '../native/part-file.ts';
import type { Layout } from './layout.ts';

/** How long to wait for another writer, here or in another process, to let go. */
const LOCK_WAIT_MS = 10_000;
const LOCK_POLL_MS = 25;
const DISCARD_RETRIES = 5;

export interface PartFileRequest {
  id: string;
  /** Unique for each opening: it names a journal. */
  session: string;
  exclusive: boolean;
  totalBytes: number | null;
}

/** Content on its way in: one folder for each upload, below the data folder. */
export class PartFiles {
  readonly #layout: Layout;
  readonly #clock: Clock;

  constructor(layout: Layout, clock: Clock) {
    this.#layout = layout;
    this.#clock = clock;
  }

  /** Waits for a holder that has been told to let go. Throws WRITER_SUPERSEDED when it does not. */
  async open(request: PartFileRequest, signal: AbortSignal): Promise<PartFile> {
    const { id, ...options } = request;
    const deadlineMs = this.#clock.nowMs() + LOCK_WAIT_MS;
    for (;;) {
      signal.throwIfAborted();
      try {
        return await openPartFile({ folder: this.#folder(id), ...options });
      } catch (error) {
        if (!isHeld(error)) throw error;
        if (this.#clock.nowMs() >= deadlineMs) {
          throw new LongshoreError(
            'WRITER_SUPERSEDED',
            'Another writer holds this upload and does not let go.',
            {
              cause: error,
            },
          );
        }
      }
      await this.#clock.sleep(LOCK_POLL_MS, signal);
    }
  }

  /** What is durable, from any process, whoever is writing. */
  inspect(id: string): Promise<Persisted> {
    return inspectPartFile(this.#folder(id));
  }

  /** The first bytes received, at most `bytesMax`. */
  async head(id: string, bytesMax: number): Promise<Buffer> {
    const content = await open(join(this.#folder(id), 'content'));
    try {
      const head = Buffer.alloc(bytesMax);
      const { bytesRead } = await content.read(head, 0, bytesMax, 0);
      return head.subarray(0, bytesRead);
    } finally {
      await content.close();
    }
  }

  /** Removes whatever was received. A writer that has not heard of it yet may add to the folder meanwhile. */
  async discard(id: string): Promise<void> {
    await rm(this.#folder(id), { recursive: true, force: true, maxRetries: DISCARD_RETRIES });
  }

  /** Ids of part files not touched since `beforeMs`. */
  async idle(beforeMs: number): Promise<string[]> {
    const ids: string[] = [];
    for (const id of await entries(this.#layout.uploads)) {
      const touched = await stat(this.#folder(id)).catch(() => null);
      if (touched && touched.mtimeMs < beforeMs) ids.push(id);
    }
    return ids;
  }

  #folder(id: string): string {
    return join(this.#layout.uploads, id);
  }
}

/** ENOENT: whoever had it is just removing the folder. */
function isHeld(error: unknown): boolean {
  return isNativeError(error, 'LOCKED') || isNativeError(error, 'ENOENT');
}

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isNativeError(error, 'ENOENT')) return [];
    throw error;
  }
}
