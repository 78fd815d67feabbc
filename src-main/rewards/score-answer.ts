/** The reward of an answer: the weighted sum of what its components say. */
import type { RewardComponent, RewardConfig, RewardScore } from '../contract/reward.ts';
import { scoreEquation } from './equation.ts';
import { scoreExact } from './exact.ts';
import { scoreNumber } from './number.ts';
import type { Outcome, RewardItem } from './outcome.ts';

/** Names of the logged columns, in order: the given name, else the kind; equal ones are numbered (`number`, `number-2`). */
export function componentNames(reward: RewardConfig): string[] {
  const used = new Set<string>();
  return reward.components.map(({ name, kind }) => {
    const wanted = name ?? kind;
    let unique = wanted;
    for (let copy = 2; used.has(unique); copy++) unique = `${wanted}-${copy}`;
    used.add(unique);
    return unique;
  });
}

function scoreComponent(component: RewardComponent, item: RewardItem): Outcome {
  switch (component.kind) {
    case 'exact':
      return scoreExact(item);
    case 'number':
      return scoreNumber(item, component);
    case 'equation':
      return scoreEquation(item, component);
  }
}

/**
 * Scores one answer, in time linear in its length.
 * @returns the weighted sum of the components; `total` null when one of them could not grade. Components that could
 *   are given all the same.
 */
export function scoreAnswer(reward: RewardConfig, item: RewardItem): RewardScore {
  const names = componentNames(reward);
  let total: number | null = 0;
  const components = reward.components.map((component, i) => {
    const outcome = scoreComponent(component, item);
    // A component of weight 0 is watched, not counted: its failure must not cost the answer.
    if (component.weight !== 0) {
      total = total === null || outcome.value === null ? null : total + component.weight * outcome.value;
    }
    return { name: names[i] ?? component.kind, value: outcome.value, reason: outcome.reason };
  });
  return { total, components };
}
