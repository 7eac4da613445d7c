import type { ContentSource } from './content-source.ts';

/** Content that is in memory already; nothing is copied, so it must stay as it is until the transfer ends. */
export function bufferSource(bytes: Uint8Array): ContentSource {
  return {
    sizeBytes: bytes.length,
    rereadable: true,
    read: (offset, lengthMax) => Promise.resolve(bytes.subarray(offset, offset + lengthMax)),
    release: () => undefined,
    giveBack: () => undefined,
    close: () => Promise.resolve(),
  };
}
