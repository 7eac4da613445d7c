/** Receive window of one stream on a connection nobody knows yet. */
export const STREAM_WINDOW_BYTES_MIN = 8 * 2 ** 20;
/** The most that one stream may send before it hears from us: 600 MiB/s over 100 ms. */
export const STREAM_WINDOW_BYTES_MAX = 64 * 2 ** 20;

/**
 * The window that a connection should have whose sender had `underWayBytes` on the way (bandwidth times round trip).
 * One that is half full limits the sender, or is about to: it doubles. Windows never shrink, since HTTP/2 cannot take back what it
 * has promised. On a near connection the round trip is so short that nothing is ever half full.
 */
export function nextWindow(windowBytes: number, underWayBytes: number): number {
  if (!Number.isFinite(underWayBytes) || underWayBytes < windowBytes / 2) return windowBytes;
  return Math.min(windowBytes * 2, STREAM_WINDOW_BYTES_MAX);
}
