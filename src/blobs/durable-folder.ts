import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a folder and those above it. A new folder is only there after a power cut when its parent was synced. */
export async function makeDurableFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    const parent = await open(dirname(made));
    try {
      await parent.sync();
    } finally {
      await parent.close();
    }
    if (made === first) return;
  }
}
