/** One of the things that are compared: does once what is measured. */
export type Work = (round: number) => unknown;

/** The same for what has to be waited for. */
export type AsyncWork = (round: number) => Promise<void>;

/** How often everything is done: `warmUp` rounds that do not count, then `rounds` that do. */
export interface Rounds {
  readonly rounds: number;
  readonly warmUp: number;
}

/** The durations of one contender, in microseconds. */
export type Samples = readonly number[];

/**
 * Does each work once a round, so that a machine that drifts hits all of them alike; who begins
 * changes with every round.
 */
export function interleave<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  { rounds, warmUp }: Rounds,
): Record<Name, Samples> {
  const { names, samples } = prepare(works);
  for (let round = 0; round < warmUp + rounds; round++) {
    for (const name of rotated(names, round)) {
      const startedMs = performance.now();
      works[name](round);
      const us = (performance.now() - startedMs) * 1_000;
      if (round >= warmUp) samples[name].push(us);
    }
  }
  return samples;
}

/** As {@link interleave}; each work is awaited before the next one begins. */
export async function interleaveAsync<Name extends string>(
  works: Readonly<Record<Name, AsyncWork>>,
  { rounds, warmUp }: Rounds,
): Promise<Record<Name, Samples>> {
  const { names, samples } = prepare(works);
  for (let round = 0; round < warmUp + rounds; round++) {
    for (const name of rotated(names, round)) {
      const startedMs = performance.now();
      await works[name](round);
      const us = (performance.now() - startedMs) * 1_000;
      if (round >= warmUp) samples[name].push(us);
    }
  }
  return samples;
}

/** The value that `share` (from 0 to 1) of the samples do not exceed. */
export function percentile(samples: Samples, share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  const value = sorted[at];
  if (value === undefined) throw new Error('There are no samples.');
  return value;
}

/** The 50th percentile. */
export function median(samples: Samples): number {
  return percentile(samples, 0.5);
}

function prepare<Name extends string>(
  works: Readonly<Record<Name, unknown>>,
): { names: readonly Name[]; samples: Record<Name, number[]> } {
  const names = Object.keys(works) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown;
  return { names, samples: samples as Record<Name, number[]> };
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
