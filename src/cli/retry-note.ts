import type { RetryEvent } from '../client/client.ts';
import { formatDuration } from './amounts.ts';
import type { Output } from './output.ts';
import { printable } from './printable.ts';
import { sentence } from './sentence.ts';

/** Tells of attempts that failed and will be repeated, from the second in a row on: one cut is no news. */
export function retryNote(output: Output, name: string): (event: RetryEvent) => void {
  return ({ error, tries, delayMs }) => {
    if (tries < 2) return;
    const words = `${printable(name)}: ${sentence(error)} Trying again in ${formatDuration(delayMs)}.`;
    const { code, reason } = error;
    output.note(words, { event: 'retry', subject: name, code, reason, tries, delayMs });
  };
}
