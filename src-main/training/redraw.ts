/**
 * Dynamic sampling (DAPO): questions whose answers all earned the same teach nothing, so further questions are asked
 * in their place, for a bounded number of rounds.
 */
import { permutation } from '../contract/random.ts';
import { groupsWithSignal } from '../estimators/group-statistics.ts';
import { chooseGroups, isUngraded, joinRollouts } from './rollouts.ts';
import type { Rollouts } from './rollouts.ts';
import { streams } from './training-parts.ts';
import type { PreparedPrompt, TrainingParts } from './training-parts.ts';

export interface Redrawn {
  /** What is learnt from: questions with a signal, or all of the first round where no round had any. */
  readonly kept: Rollouts;
  /** Answers to the questions that were replaced; null where none was. */
  readonly dropped: Rollouts | null;
  /** Rounds of further questions that were asked. */
  readonly rounds: number;
}

/**
 * Asks further questions until every place of the step has one with a signal, no question is left, or the rounds are used up.
 * Which questions come next is drawn by seed and step, without those that the step has asked already.
 * @param first answers to the step's own questions
 * @param ask samples answers to questions; `firstSlot` is the number of the first of them within the step
 */
export async function redraw(
  parts: TrainingParts,
  step: number,
  prompts: readonly PreparedPrompt[],
  first: Rollouts,
  ask: (prompts: readonly PreparedPrompt[], firstSlot: number) => Promise<Rollouts>,
): Promise<Redrawn> {
  const limit = parts.spec.plan.redraws ?? 0;
  if (limit === 0) return { kept: first, dropped: null, rounds: 0 };
  const asked = new Set(prompts);
  let further: PreparedPrompt[] | null = null;
  let { kept, dropped } = parted(first);
  let count = prompts.length;
  let rounds = 0;
  while (rounds < limit) {
    const missing = prompts.length - groupCount(kept);
    if (missing === 0) break;
    further ??= Array.from(
      permutation(parts.train.length, [parts.config.seed, streams.redraw, step]),
      (row) => parts.train[row]!,
    ).filter((prompt) => !asked.has(prompt));
    const next = further.splice(0, missing);
    if (next.length === 0) break;
    await parts.pause();
    const more = parted(await ask(next, count));
    count += next.length;
    rounds++;
    kept = joinRollouts(kept, more.kept);
    dropped = joinRollouts(dropped, more.dropped);
  }
  if (kept.answers.length > 0) return { kept, dropped: dropped.answers.length > 0 ? dropped : null, rounds };
  // Nothing to learn anywhere: the step's own questions stand for the rest, with advantages of 0.
  const own = chooseGroups(dropped, (group) => group < prompts.length);
  const rest = chooseGroups(dropped, (group) => group >= prompts.length);
  return {
    kept: { ...own, ...costs(kept) },
    dropped: rest.answers.length > 0 ? rest : null,
    rounds,
  };
}

function costs({
  tokens,
  generateSeconds,
  rewardSeconds,
}: Rollouts): Pick<Rollouts, 'tokens' | 'generateSeconds' | 'rewardSeconds'> {
  return { tokens, generateSeconds, rewardSeconds };
}

/** Questions with a signal apart from the others; what all of them cost goes with the first part. Answers that could not be graded must be seen, so their questions are kept. */
function parted(rollouts: Rollouts): { kept: Rollouts; dropped: Rollouts } {
  const rewards = rollouts.rewards.map((score) => score.total);
  const signal = groupsWithSignal(rollouts.groups, rewards);
  const ungraded = new Set(rollouts.groups.filter((_, place) => isUngraded(rollouts.rewards[place]!)));
  const keeps = (group: number): boolean => signal[group] === true || ungraded.has(group);
  return {
    kept: { ...chooseGroups(rollouts, keeps), ...costs(rollouts) },
    dropped: chooseGroups(rollouts, (group) => !keeps(group)),
  };
}

function groupCount(rollouts: Rollouts): number {
  return new Set(rollouts.groups).size;
}
