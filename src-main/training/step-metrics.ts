/** All metrics of a training step: those of answers and loss from the estimators, and what the loop itself measures. */
import type { KlSpec, SurrogateSpec } from '../contract/estimator.ts';
import type { Sample } from '../contract/events.ts';
import type { Metrics } from '../estimators/metric-names.ts';
import { policyMetrics, rewardMetrics } from '../estimators/metrics.ts';
import type { ScoredAnswer } from '../estimators/metrics.ts';
import { componentMeans } from './evaluate.ts';
import type { TokenScores } from './learner.ts';
import type { UpdateResult } from './update-policy.ts';

/** Metrics that the training loop adds to those of `estimators/metric-names.ts`; docs/metrics.md lists the same. */
export const trainingMetricDefinitions = {
  loss: 'Value of the loss that was differentiated, mean over the optimizer steps of the step.',
  gradientNorm: 'Global norm of the gradient before clipping, mean over the optimizer steps of the step.',
  learningRate: 'Learning rate of the step, after warm-up and schedule.',
  updates: 'Optimizer steps that changed the weights.',
  updatesLeftOut: 'Optimizer steps left out because loss or gradient was not finite.',
  skippedShare:
    'Share of answers whose computation was skipped because they add nothing to the gradient; they stay in the divisors.',
  generatedTokens:
    'Tokens sampled in the step: answers, those to replaced questions, greedy answers and continuations.',
  redrawRounds: 'Rounds of further questions asked in place of those without signal (DAPO).',
  redrawnShare: 'Share of the questions of the step that were replaced because they had no signal (DAPO).',
  keptShare: 'Share of answers that were kept and learnt (RAFT).',
  continuationTokens: 'Tokens sampled to look into answers, a part of generatedTokens (VinePPO, TRePO).',
  anchorsPerAnswer: 'Mean number of places at which an answer was looked into (VinePPO, TRePO).',
  anchorValueSpread:
    'Mean over answers of the largest less the smallest value inside them (VinePPO, TRePO): near 0, looking into answers tells nothing.',
  continuationRewardStd:
    'Mean over places of the standard deviation (n − 1) of the rewards of their continuations (VinePPO, TRePO): the noise of a value, times the root of their number.',
  generatedTokensPerSecond: 'Tokens sampled for each second of sampling.',
  learntTokens: 'Answer tokens in the loss of the step.',
  secondsGenerate: 'Seconds of sampling answers.',
  secondsReward: 'Seconds of decoding and grading answers.',
  secondsLearn: 'Seconds of scoring, gradients and optimizer.',
  secondsStep: 'Seconds of the whole step.',
  memoryResident: 'Resident memory of the trainer after the step, bytes.',
} as const;

export type TrainingMetricName = keyof typeof trainingMetricDefinitions;

/** Mean of each reward component has the name `reward.` and the name of the component. */
export const componentMetricPrefix = 'reward.';

export interface RolloutMeasures {
  readonly samples: readonly Sample[];
  readonly groups: readonly number[];
  /** Answers to questions that were replaced (DAPO): they count in rewards and lengths, and are not learnt. */
  readonly replaced: { readonly samples: readonly Sample[]; readonly groups: readonly number[] } | null;
  readonly greedyRewards: readonly (number | null)[] | null;
  /** Whether the reward leaves out answers that were cut off. */
  readonly masks: boolean;
  /** Tokens sampled, greedy baselines included. */
  readonly tokens: number;
  readonly advantages: readonly Float32Array[];
  readonly included: readonly boolean[];
  /** Scores before the first update where they were computed apart from the update. */
  readonly old: readonly TokenScores[] | null;
  readonly referenceLogprobs: readonly Float32Array[] | null;
  /** What the rewards were compared with (REINFORCE), before this step. */
  readonly movingAverage: number | null;
  readonly update: UpdateResult;
  readonly seconds: { readonly generate: number; readonly reward: number; readonly learn: number };
}

/** Metrics of a step that learnt from sampled answers; values that do not apply may be missing or not finite. */
export function rolloutMetrics(
  measures: RolloutMeasures,
  surrogate: SurrogateSpec,
  kl: KlSpec,
): Record<string, number> {
  const { samples, groups, replaced, greedyRewards, update, seconds, tokens } = measures;
  const questions = countGroups(groups);
  // Rewards are told of all answers that were sampled: those that were kept alone would look too good or too bad.
  const sampled = [...samples, ...(replaced?.samples ?? [])];
  return {
    ...rewardMetrics({
      groups: [...groups, ...(replaced?.groups ?? []).map((group) => questions + group)],
      rewards: sampled.map((sample) => sample.reward.total),
      lengths: sampled.map((sample) => sample.ids.length),
      truncated: sampled.map((sample) => sample.finish === 'length'),
      ...(measures.masks ? { masked: sampled.map((sample) => sample.reward.masked === true) } : {}),
      ...(greedyRewards === null ? {} : { greedyRewards }),
    }),
    ...prefixed(componentMeans(sampled)),
    ...(replaced === null
      ? {}
      : { redrawnShare: countGroups(replaced.groups) / (questions + countGroups(replaced.groups)) }),
    ...sampledEntropy(samples),
    ...policyMetrics(scoredAnswers(measures), surrogate, kl),
    ...advantageMetrics(measures),
    ...(measures.movingAverage === null ? {} : { baselineValue: measures.movingAverage }),
    ...updateMetrics(update),
    learntTokens: samples.reduce(
      (sum, sample, place) => sum + (measures.included[place] ? sample.ids.length : 0),
      0,
    ),
    generatedTokens: tokens,
    generatedTokensPerSecond: tokens / seconds.generate,
    secondsGenerate: seconds.generate,
    secondsReward: seconds.reward,
    secondsLearn: seconds.learn,
  };
}

/** Metrics of a step of supervised learning. */
export function supervisedMetrics(
  update: UpdateResult,
  surrogate: SurrogateSpec,
  kl: KlSpec,
  seconds: number,
): Record<string, number> {
  const answers = update.lastScores.flatMap((scores): ScoredAnswer[] =>
    scores === null
      ? []
      : [{ ...scores, advantages: new Float32Array(scores.logprobs.length).fill(1), included: true }],
  );
  const learntTokens = answers.reduce((sum, answer) => sum + answer.logprobs.length, 0);
  return {
    ...policyMetrics(answers, surrogate, kl),
    ...updateMetrics(update),
    learntTokens,
    secondsLearn: seconds,
  };
}

function countGroups(groups: readonly number[]): number {
  return groups.reduce((most, group) => Math.max(most, group + 1), 0);
}

function updateMetrics(update: UpdateResult): Record<string, number> {
  return {
    loss: update.loss,
    gradientNorm: update.gradientNorm,
    ...(update.entropyLoss === null ? {} : { entropyLoss: update.entropyLoss }),
    updates: update.applied,
    updatesLeftOut: update.failed,
    skippedShare: update.skipped / (update.computed + update.skipped),
  };
}

/** Answers of the last pass, which shows how far the policy moved; where nothing was learnt, those scored before it. */
function scoredAnswers(measures: RolloutMeasures): ScoredAnswer[] {
  const { samples, old, update, advantages, included, referenceLogprobs } = measures;
  const learnt = update.lastScores.some((scores) => scores !== null);
  return samples.flatMap((sample, place): ScoredAnswer[] => {
    const present = learnt ? update.lastScores[place] : old?.[place];
    if (!present) return [];
    return [
      {
        ...present,
        advantages: advantages[place]!,
        oldLogprobs: old?.[place]?.logprobs ?? null,
        referenceLogprobs: referenceLogprobs?.[place] ?? null,
        samplerLogprobs: sample.samplerLogprobs,
        included: included[place]!,
      },
    ];
  });
}

/** The mean of −log μ over sampled tokens estimates their entropy: for steps that compute none, as they learn nothing. */
function sampledEntropy(samples: readonly Sample[]): Pick<Metrics, 'entropyMean'> {
  let sum = 0;
  let count = 0;
  for (const { samplerLogprobs } of samples) {
    count += samplerLogprobs.length;
    for (const value of samplerLogprobs) sum -= value;
  }
  return count === 0 ? {} : { entropyMean: sum / count };
}

/** Mean and deviation of advantages over all tokens that count, those of skipped answers (all 0) too. */
function advantageMetrics({ advantages, included }: RolloutMeasures): Record<string, number> {
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (const [place, values] of advantages.entries()) {
    if (!included[place]) continue;
    count += values.length;
    for (const value of values) {
      sum += value;
      squares += value * value;
    }
  }
  const mean = sum / count;
  return { advantageMean: mean, advantageStd: Math.sqrt(Math.max(squares / count - mean * mean, 0)) };
}

function prefixed(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${componentMetricPrefix}${name}`, value]),
  );
}
