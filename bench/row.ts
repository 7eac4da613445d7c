/**
 * What a row of the performance table is to the bench. `bench/pN.ts` exports `runRow: RunRow`; `npm run bench -- pN`
 * finds it by its name.
 */
export type RunRow = (options: BenchOptions) => Promise<Row>;

export interface BenchOptions {
  /** How often each contender is measured; the median counts. */
  readonly rounds: number;
  /** What stands in our place. A peer there checks the bench itself. */
  readonly ours: ServerKind;
}

export type ServerKind = 'longshore' | 'cpp' | 'go';

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly findings: readonly Finding[];
}

export interface Finding {
  /** What was measured, with its unit last: "read, 256 KiB chunks, MiB/s". */
  readonly what: string;
  readonly ours: number;
  /** Absent where the goal is absolute. */
  readonly peer?: number;
  readonly peerName?: string;
  /** Absent where the figure is only told. Compared with ours/peer where there is a peer, else with ours. */
  readonly goal?: Goal;
}

export interface Goal {
  readonly is: '>=' | '<=' | '<';
  readonly value: number;
}

/** Ours over the peer's; undefined without a peer. */
export function ratioOf(finding: Finding): number | undefined {
  return finding.peer === undefined ? undefined : finding.ours / finding.peer;
}

/** Undefined where the finding has no goal. */
export function isMet(finding: Finding): boolean | undefined {
  if (finding.goal === undefined) return undefined;
  const value = ratioOf(finding) ?? finding.ours;
  if (finding.goal.is === '>=') return value >= finding.goal.value;
  return finding.goal.is === '<=' ? value <= finding.goal.value : value < finding.goal.value;
}
