/**
 * The pre-flight: before the first step a few questions are really asked and graded. Where no group of answers has
 * different rewards there is nothing to learn from, and the run says so instead of burning hours.
 */
import { userError } from '../contract/errors.ts';
import type { RewardStatistics } from '../rewards/running-statistics.ts';
import { sampleAndGrade } from './rollout-step.ts';
import type { Rollouts } from './rollouts.ts';
import type { PreparedPrompt, TrainingParts } from './training-parts.ts';

/** Answers sampled at once, and in all before the run is held back: a model that is right once in 300 times gets its chance. */
const answersAtOnce = 256;
const mostRounds = 4;
/** Rewards that differ by less are the same for learning. */
const sameReward = 1e-6;

export interface PreflightFindings {
  readonly answers: number;
  readonly questions: number;
  /** Share of groups whose answers got different rewards; with one answer a question all answers are one group. */
  readonly signal: number;
  readonly truncated: number;
  readonly notGradable: number;
  /** The reward that all answers got; null where rewards differ or nothing was graded. */
  readonly onlyReward: number | null;
}

/**
 * Asks the questions of the first steps, as they would be asked there, until one group carries a signal.
 * @param statistics those of a run that begins
 * @param questionsOf questions of the step with this number, from 0
 * @returns null when a stop was asked for meanwhile
 */
export async function preflight(
  parts: TrainingParts,
  statistics: RewardStatistics,
  questionsOf: (step: number) => readonly PreparedPrompt[],
): Promise<PreflightFindings | null> {
  const rounds: Rollouts[] = [];
  const atOnce = Math.max(1, Math.floor(answersAtOnce / parts.spec.plan.samplesPerPrompt));
  for (let step = 0; step < mostRounds; step++) {
    await parts.pause();
    if (parts.stopRequested()) return null;
    const { rollouts } = await sampleAndGrade(parts, questionsOf(step).slice(0, atOnce), step, statistics);
    rounds.push(rollouts);
    const found = findings(rounds);
    if (found.signal > 0) return found;
  }
  return findings(rounds);
}

function findings(rounds: readonly Rollouts[]): PreflightFindings {
  const groups = rounds.flatMap(groupedRewards);
  const compared = groups.some(({ rewards }) => rewards.length > 1)
    ? groups
    : [{ rewards: groups.flatMap(({ rewards }) => rewards) }];
  const answers = rounds.flatMap((round) => round.answers);
  const rewards = rounds.flatMap((round) => round.rewards);
  const graded = rewards.flatMap(({ total }) => (total === null ? [] : [total]));
  return {
    answers: answers.length,
    questions: groups.length,
    signal: compared.filter((group) => differ(group.rewards)).length / Math.max(compared.length, 1),
    truncated: answers.filter(({ finish }) => finish === 'length').length / Math.max(answers.length, 1),
    notGradable: rewards.filter(({ total, masked }) => total === null && masked !== true).length,
    onlyReward: graded.length === 0 || differ(graded) ? null : graded[0]!,
  };
}

/** Rewards of the answers to each question; that of a greedy answer is one of them. */
function groupedRewards({ groups, rewards, greedyRewards }: Rollouts): { rewards: number[] }[] {
  const found = new Map<number, number[]>();
  const add = (group: number, total: number | null) => {
    const list = found.get(group) ?? [];
    if (total !== null) list.push(total);
    found.set(group, list);
  };
  for (const [place, { total }] of rewards.entries()) add(groups[place]!, total);
  for (const [group, total] of (greedyRewards ?? []).entries()) add(group, total);
  return [...found.values()].map((list) => ({ rewards: list }));
}

function differ(values: readonly number[]): boolean {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high - low > sameReward;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** What was found, in one sentence. */
export function describePreflight(found: PreflightFindings): string {
  const cut = found.truncated > 0 ? `; ${percent(found.truncated)} of the answers were cut off` : '';
  const ungraded = found.notGradable > 0 ? `; ${found.notGradable} could not be graded` : '';
  return `Pre-flight: ${found.answers} answers to ${found.questions} questions; ${percent(found.signal)} of the groups carry a signal${cut}${ungraded}.`;
}

/** Why a run without any signal is held back, and what would help. */
export function noSignal({
  answers,
  questions,
  onlyReward,
  notGradable,
  truncated,
}: PreflightFindings): Error {
  const same = onlyReward === null ? '' : ` (${onlyReward})`;
  const causes = [
    ...(notGradable === answers
      ? ['none of them could be graded: check the answer column and the settings of the reward']
      : []),
    ...(truncated > 0.5 ? ['most answers were cut off: raise budget.maxTokens'] : []),
    ...(onlyReward !== null && onlyReward <= 0
      ? [
          'the model never gets it right: choose easier questions, a better trained model, a reward for coming nearer, or learn from right answers first (method sft)',
        ]
      : []),
    ...(onlyReward !== null && onlyReward > 0
      ? ['every answer is as good as any other to this reward: choose harder questions or a stricter reward']
      : []),
    ...(onlyReward === null && notGradable < answers
      ? ['answers to the same question never differ: raise budget.temperature or method.groupSize']
      : []),
  ];
  return userError(
    'no-signal',
    `Pre-flight: ${answers} answers to ${questions} questions were asked for and graded, and in no group did the rewards differ${same}: there is nothing to learn from.`,
    {
      where: 'reward',
      advice: `${causes.map((cause) => cause.charAt(0).toUpperCase() + cause.slice(1)).join('. ')}. To start all the same, set budget.preflight to "warn".`,
    },
  );
}
