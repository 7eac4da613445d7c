import { join } from 'node:path';

/**
 * Where things lie in the data folder (docs/formats.md):
 *
 *     blobs/ab/abcd…            content, named by its SHA-256; two digits of it spread the folders
 *     blobs/ab/abcd….manifest   its chunk digests and block CRCs
 *     quarantine/ab/abcd…       content that was found damaged, with its manifest, for people to look at
 *     uploads/<id>/             a part file: content, lock, journals
 */
export interface Layout {
  readonly blobs: string;
  readonly quarantine: string;
  readonly uploads: string;
}

export function layout(dataDir: string): Layout {
  return {
    blobs: join(dataDir, 'blobs'),
    quarantine: join(dataDir, 'quarantine'),
    uploads: join(dataDir, 'uploads'),
  };
}

export function contentPath(root: string, sha256: string): string {
  return join(root, sha256.slice(0, 2), sha256);
}

export function manifestPath(root: string, sha256: string): string {
  return `${contentPath(root, sha256)}.manifest`;
}

/** Whether a file name in a blob folder is a content's; others are manifests and left-over temporary files. */
export function isDigest(fileName: string): boolean {
  return /^[0-9a-f]{64}$/.test(fileName);
}
