/** Answers of one step, before anything is learnt from them, and what may happen to them on the way there. */
import type { OverlongSpec } from '../contract/estimator.ts';
import type { RewardScore } from '../contract/reward.ts';
import { overlongPenalty } from '../rewards/overlong-penalty.ts';
import type { SampleResult } from '../rollout/sampler.ts';
import type { AnswerText, GivenAnswer, PreparedPrompt, TrainingParts } from './training-parts.ts';

/** Lists have one entry for each answer. */
export interface Rollouts {
  readonly prompts: readonly PreparedPrompt[];
  /** Question of each answer, from 0; answers to one question stand together. */
  readonly groups: readonly number[];
  /** Place of each answer in its group. */
  readonly places: readonly number[];
  readonly answers: readonly SampleResult[];
  readonly texts: readonly AnswerText[];
  readonly rewards: readonly RewardScore[];
  /** Reward of the greedy answer to each question (ReMax), else null. */
  readonly greedyRewards: readonly (number | null)[] | null;
  readonly tokens: number;
  readonly generateSeconds: number;
  readonly rewardSeconds: number;
}

/** The grades of training answers; continuations get theirs here too, so that values are those of the same reward. */
export async function gradeTraining(
  parts: TrainingParts,
  answers: readonly GivenAnswer[],
): Promise<RewardScore[]> {
  if (parts.grade === null) throw new Error('learning from sampled answers needs a reward');
  return parts.grade('train', answers);
}

/** The column in which the penalty for long answers is logged. */
const overlongName = 'overlong';

/** A grade with the penalty for the length of its answer taken off, as a component of its own. */
export function penalized(
  score: RewardScore,
  length: number,
  overlong: OverlongSpec | undefined,
  maxTokens: number,
): RewardScore {
  if (overlong === undefined) return score;
  const penalty = overlongPenalty(length, { ...overlong, maxTokens });
  const reason =
    penalty === 0
      ? 'short enough'
      : `${length} of at most ${maxTokens} tokens, ${overlong.buffer} of which cost`;
  return {
    total: score.total === null ? null : score.total + penalty,
    components: [...score.components, { name: overlongName, value: penalty, reason }],
  };
}

/** The groups for which `keep` holds, numbered anew; costs stay with the whole. */
export function chooseGroups(rollouts: Rollouts, keep: (group: number) => boolean): Rollouts {
  const places = rollouts.groups.flatMap((group, place) => (keep(group) ? [place] : []));
  const numbers = new Map(
    [...new Set(places.map((place) => rollouts.groups[place]!))].map((group, order) => [group, order]),
  );
  const of = <T>(list: readonly T[]): T[] => places.map((place) => list[place]!);
  return {
    prompts: of(rollouts.prompts),
    groups: of(rollouts.groups).map((group) => numbers.get(group)!),
    places: of(rollouts.places),
    answers: of(rollouts.answers),
    texts: of(rollouts.texts),
    rewards: of(rollouts.rewards),
    greedyRewards:
      rollouts.greedyRewards && [...numbers.keys()].map((group) => rollouts.greedyRewards![group]!),
    tokens: 0,
    generateSeconds: 0,
    rewardSeconds: 0,
  };
}

/** Two lists of answers as one: the groups of the second follow those of the first. */
export function joinRollouts(first: Rollouts, second: Rollouts): Rollouts {
  const groups = first.groups.reduce((most, group) => Math.max(most, group + 1), 0);
  return {
    prompts: [...first.prompts, ...second.prompts],
    groups: [...first.groups, ...second.groups.map((group) => groups + group)],
    places: [...first.places, ...second.places],
    answers: [...first.answers, ...second.answers],
    texts: [...first.texts, ...second.texts],
    rewards: [...first.rewards, ...second.rewards],
    greedyRewards: first.greedyRewards &&
      second.greedyRewards && [...first.greedyRewards, ...second.greedyRewards],
    tokens: first.tokens + second.tokens,
    generateSeconds: first.generateSeconds + second.generateSeconds,
    rewardSeconds: first.rewardSeconds + second.rewardSeconds,
  };
}
