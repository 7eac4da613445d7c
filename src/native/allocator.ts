import { binding } from './binding.ts';

/**
 * Has the process keep freed memory instead of giving it back to the system at once, which halves what an upload costs the event
 * loop (docs/performance.md). For a process that serves; false where the C library has no such setting.
 */
export function keepFreedMemory(): boolean {
  return binding.keepFreedMemory();
}
