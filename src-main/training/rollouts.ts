/** Answers of one step, before anything is learnt from them, and what may happen to them on the way there. */
import type { OverlongSpec } from '../contract/estimator.ts';
import type { Sample } from '../contract/events.ts';
import type { RewardScore } from '../contract/reward.ts';
import { withTotal } from '../rewards/combine.ts';
import { overlongPenalty } from '../rewards/overlong-penalty.ts';
import { initialStatistics, isEvenedOut, observed } from '../rewards/running-statistics.ts';
import type { RewardStatistics } from '../rewards/running-statistics.ts';
import type { SampleResult } from '../rollout/sampler.ts';
import { rewardFor } from './grade-with.ts';
import type { LoopState } from './loop-state.ts';
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

/** Rewards of answers, and what was learnt of their spread on the way. */
export interface Graded {
  readonly scores: RewardScore[];
  readonly statistics: RewardStatistics;
}

/** The running statistics that a step begins with. */
export function statisticsOf(parts: TrainingParts, state: LoopState): RewardStatistics {
  return state.rewardStatistics.length > 0 ? state.rewardStatistics : initialStatistics(parts.config.reward);
}

/**
 * The grades of training answers; greedy answers and continuations get theirs here too, so that they are those of the
 * same reward.
 * @param statistics by which components are evened out
 * @param observe whether these answers count in the statistics, before they are evened out themselves
 */
export async function gradeTraining(
  parts: TrainingParts,
  answers: readonly GivenAnswer[],
  statistics: RewardStatistics,
  observe: boolean,
): Promise<Graded> {
  if (parts.grade === null) throw new Error('learning from sampled answers needs a reward');
  const scores = await parts.grade('train', answers);
  const next = observe ? observed(statistics, scores) : statistics;
  return { scores: evened(parts, 'train', scores, answers, next), statistics: next };
}

/** Scores with totals by running statistics, where the reward has components that are evened out. */
export function evened(
  { config }: Pick<TrainingParts, 'config'>,
  split: Sample['split'],
  scores: RewardScore[],
  answers: readonly Pick<GivenAnswer, 'finish'>[],
  statistics: RewardStatistics,
): RewardScore[] {
  if (config.reward === undefined || !isEvenedOut(config.reward)) return scores;
  const rules = rewardFor(split, config.reward);
  return scores.map(({ components }, place) =>
    withTotal(rules, components, answers[place]!.finish, statistics),
  );
}

/** Whether a grader failed; an answer that the reward leaves out because it was cut off is not one. */
export function isUngraded({ total, masked }: RewardScore): boolean {
  return total === null && masked !== true;
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
    ...score,
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
