/**
 * Mean and deviation of the values of a component over a run (Welford 1962), by which values without a fixed scale are
 * evened out. Plain data: what a checkpoint keeps of it gives the same numbers, bit by bit.
 */
import type { RewardConfig, RewardScore } from '../contract/reward.ts';

/** What is remembered of one component. */
export interface ValueStatistics {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared deviations from the mean. */
  readonly squares: number;
}

/** One entry for each component of a reward, null for those that are not evened out. */
export type RewardStatistics = readonly (ValueStatistics | null)[];

/** Values that differ by less than this share of their size count as equal. */
const leastDeviation = 1e-8;

/** Whether any component of a reward is evened out. */
export function isEvenedOut(reward: Pick<RewardConfig, 'components'> | undefined): boolean {
  return reward?.components.some(({ normalise }) => normalise) ?? false;
}

/** Before the first value. */
export function initialStatistics(reward: Pick<RewardConfig, 'components'> | undefined): RewardStatistics {
  return (reward?.components ?? []).map(({ normalise }) =>
    normalise ? { count: 0, mean: 0, squares: 0 } : null,
  );
}

/** The statistics with the values of more answers, in their order; values that could not be graded are left out. */
export function observed(
  statistics: RewardStatistics,
  scores: readonly Pick<RewardScore, 'components'>[],
): RewardStatistics {
  return statistics.map((entry, place) => {
    if (entry === null) return null;
    let { count, mean, squares } = entry;
    for (const { components } of scores) {
      const value = components[place]?.value ?? null;
      if (value === null) continue;
      count += 1;
      const difference = value - mean;
      mean += difference / count;
      squares += difference * (value - mean);
    }
    return { count, mean, squares };
  });
}

/**
 * A value as its distance from the mean in standard deviations (divisor n − 1); the distance itself while all values
 * were equal, and the value itself before the first.
 */
export function evenedOut(value: number, { count, mean, squares }: ValueStatistics): number {
  if (count === 0) return value;
  const deviation = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
  const even = deviation <= leastDeviation * Math.max(1, Math.abs(mean));
  return even ? value - mean : (value - mean) / deviation;
}
