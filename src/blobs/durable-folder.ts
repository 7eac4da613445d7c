import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isNativeError } from '../native/native-error.ts';

/**
 * Makes a folder and those above it, durably: a folder is only there after a power cut when its parent was synced. One that
 * is there is synced too, since whoever made it may not have come to that. (`mkdir` of Node with `recursive` tells
 * ENOENT where a disk fails or is full.)
 */
export async function makeDurableFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    if (!isNativeError(error, 'ENOENT') || dirname(folder) === folder) throw error;
    await makeDurableFolder(dirname(folder));
    await makeFolder(folder);
  }
  await syncFolder(dirname(folder));
}

/** Names in the folder are on disk when it resolves. */
export async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder);
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (!isNativeError(error, 'EEXIST')) throw error;
  }
}
