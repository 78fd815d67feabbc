/** The reward of an answer: the weighted sum of what its components say. */
import type { ComponentOf, RewardConfig, RewardScore } from '../contract/reward.ts';
import { scoreEquation } from './equation.ts';
import { scoreExact } from './exact.ts';
import type { VerifierKind } from './grader.ts';
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

/** What a built-in verifier says of an answer, in time linear in its length. */
export function scoreVerifier(component: ComponentOf<VerifierKind>, item: RewardItem): Outcome {
  switch (component.kind) {
    case 'exact':
      return scoreExact(item);
    case 'number':
      return scoreNumber(item, component);
    case 'equation':
      return scoreEquation(item, component);
    default:
      throw new Error(`no verifier for ${component.kind}`);
  }
}

/**
 * One number from the outcomes of an answer's components, given in their order.
 * @returns `total` null when a component that counts could not grade; the values of the others are given all the same
 */
export function combine(
  reward: RewardConfig,
  names: readonly string[],
  outcomes: readonly Outcome[],
  _item: RewardItem,
): RewardScore {
  let total: number | null = 0;
  const components = reward.components.map((component, i) => {
    const outcome = outcomes[i]!;
    // A component of weight 0 is watched, not counted: its failure must not cost the answer.
    if (component.weight !== 0) {
      total = total === null || outcome.value === null ? null : total + component.weight * outcome.value;
    }
    return { name: names[i] ?? component.kind, value: outcome.value, reason: outcome.reason };
  });
  return { total, components };
}

/** Scores one answer by a reward of built-in verifiers alone. */
export function scoreAnswer(reward: RewardConfig, item: RewardItem): RewardScore {
  const outcomes = reward.components.map((component) =>
    scoreVerifier(component as ComponentOf<VerifierKind>, item),
  );
  return combine(reward, componentNames(reward), outcomes, item);
}
