import { ulid } from 'ulid';
import type { Clock } from '../clock.ts';

/** A new id: 26 characters that sort by the millisecond in which they were made; 80 bits of each are random. */
export type NewId = () => string;

const RANDOM_CHARS = 16;

/**
 * Ids as ULIDs in lower case. `randomBytes` gives as many unpredictable bytes as asked (`node:crypto`). Ids of one
 * millisecond are in no order: the name of an upload carries the right to write, so that none may follow from another.
 */
export function makeIds(clock: Clock, randomBytes: (size: number) => Uint8Array): NewId {
  return () => {
    const random = randomBytes(RANDOM_CHARS).values();
    // ulid asks for one number from 0 up to 1 for each of the sixteen characters, which hold 5 bits each.
    return ulid(clock.nowMs(), () => (random.next().value ?? 0) / 256).toLowerCase();
  };
}
