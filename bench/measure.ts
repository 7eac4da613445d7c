/** What one run of one contender came to, by name: `{ mibPerS: 1900, cpuSPerGib: 0.4 }`. */
export type Sample = Readonly<Record<string, number>>;

export interface Measured<S extends Sample> {
  readonly median: S;
  readonly samples: readonly S[];
}

/**
 * Runs the contenders in turn, A B A B, so that a machine that slows down slows all of them, after one round that does
 * not count (caches, compilers, first touch of memory).
 */
export async function alternate<Name extends string, S extends Sample>(
  contenders: Readonly<Record<Name, () => Promise<S>>>,
  rounds: number,
): Promise<Record<Name, Measured<S>>> {
  const names = Object.keys(contenders) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as S[]])) as Record<Name, S[]>;
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const sample = await contenders[name]();
      if (round > 0) samples[name].push(sample);
    }
  }
  const measured = {} as Record<Name, Measured<S>>;
  for (const name of names) {
    measured[name] = { median: medians(samples[name]), samples: samples[name] };
  }
  return measured;
}

function medians<S extends Sample>(samples: readonly S[]): S {
  const keys = Object.keys(samples[0] ?? {});
  return Object.fromEntries(
    keys.map((key) => [key, median(samples.map((sample) => sample[key] ?? NaN))]),
  ) as S;
}

/** NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
