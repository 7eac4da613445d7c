import { finished, type Writable } from 'node:stream';
import type { Destination } from './destination.ts';

/**
 * Bytes go to a stream in order. It is not ended: the caller may have more to write. When it fails or is closed, the
 * next `write` rejects with its error.
 */
export function writableDestination(stream: Writable): Destination {
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  const stop = finished(stream, { readable: false }, (error) => {
    failure = error ?? new Error('The stream was ended while it was being written to.');
    wake();
  });
  const throwFailure = (): void => {
    if (failure !== undefined) throw failure;
  };
  const end = (): Promise<void> => {
    stop();
    return Promise.resolve();
  };
  return {
    async write(content) {
      throwFailure();
      if (stream.write(content)) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        stream.once('drain', resolve);
      });
      stream.removeListener('drain', wake);
      throwFailure();
    },
    restart: () => Promise.resolve(false),
    commit: end,
    abandon: end,
  };
}
