/** Kinds of long-running operations; each has a worker. */
export const VERIFY_FILE = 'verify-file';
