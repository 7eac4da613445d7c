import { checkByteCount, checkPath } from './arguments.ts';
import { binding } from './binding.ts';

export interface Verification {
  /** Indexes of the chunks whose SHA-256 differs from the manifest, ascending; chunks that the file lacks are among them. */
  readonly badChunks: number[];
  /** SHA-256 of the whole file as it is on disk; null when it was not asked for. */
  readonly sha256: string | null;
}

export interface VerifyOptions {
  readonly signal: AbortSignal;
  /** Also make the digest of the whole file: one sequential chain, so bound to one core's speed. */
  readonly whole: boolean;
  /** Reads no faster than this, for scrubs in the background. Absent: as fast as all cores can. */
  readonly bytesPerSecondMax?: number;
}

/** Hashes a stored file on all cores and compares it with its manifest. @throws MANIFEST_INVALID, ENOENT, ABORTED, EIO */
export async function verifyBlob(
  contentPath: string,
  manifestPath: string,
  options: VerifyOptions,
): Promise<Verification> {
  checkPath('contentPath', contentPath);
  checkPath('manifestPath', manifestPath);
  const bytesPerSecondMax = options.bytesPerSecondMax ?? null;
  if (bytesPerSecondMax !== null) checkByteCount('bytesPerSecondMax', bytesPerSecondMax);
  if (options.signal.aborted) {
    throw Object.assign(new Error(`verify ${contentPath}: aborted`, { cause: options.signal.reason }), {
      code: 'ABORTED',
    });
  }
  const job = binding.verifyBlob(contentPath, manifestPath, options.whole, bytesPerSecondMax);
  const abort = () => job.abort();
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    return await job.promise;
  } finally {
    options.signal.removeEventListener('abort', abort);
  }
}
