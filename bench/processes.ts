import { readdirSync, readFileSync } from 'node:fs';

// Linux gives user programs its times in 1/100 s, whatever the kernel's own clock: proc(5), sysconf(3) _SC_CLK_TCK.
const ticksPerSecond = 100;

interface Process {
  readonly pid: number;
  readonly parentPid: number;
  readonly cpuSeconds: number;
}

/** A process that ended while it was looked at is undefined. */
function look(pid: number): Process | undefined {
  const stat = readProc(pid, 'stat');
  if (stat === undefined) return undefined;
  // The second field, the command, may itself hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    parentPid: Number(fields[1]),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
  };
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/**
 * A server's processes: `rootPid`, its descendants, and those whose command line names `dataDir` (a database that was
 * adopted by init). Linux only.
 */
export function serverProcesses(rootPid: number, dataDir: string): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => look(Number(name)))
    .filter((process) => process !== undefined);
  const found = new Set(
    all.map(({ pid }) => pid).filter((pid) => pid === rootPid || readProc(pid, 'cmdline')?.includes(dataDir)),
  );
  for (let before = 0; before !== found.size;) {
    before = found.size;
    for (const { pid, parentPid } of all) if (found.has(parentPid)) found.add(pid);
  }
  return [...found];
}

/** User and system time so far, by process. */
export function cpuSecondsByPid(pids: readonly number[]): Map<number, number> {
  return new Map(pids.map((pid) => [pid, look(pid)?.cpuSeconds ?? 0]));
}

/** What the processes in `after` used since `before`; one that is new there started from zero. */
export function cpuSecondsBetween(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): number {
  let seconds = 0;
  for (const [pid, total] of after) seconds += total - (before.get(pid) ?? 0);
  return seconds;
}

/** The most memory that `pid` has had resident since it started, bytes (VmHWM). */
export function peakRssBytes(pid: number): number {
  return kibibytes(readProc(pid, 'status'), 'VmHWM');
}

/** Resident memory of several processes, pages they share counted once, bytes. */
export function pssBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + kibibytes(readProc(pid, 'smaps_rollup'), 'Pss'), 0);
}

function kibibytes(text: string | undefined, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text ?? '')?.[1] ?? 0) * 1024;
}
