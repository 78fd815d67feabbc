/** The held-out score: greedy answers to questions that are never trained on, and their mean reward. */
import { EspalierError, userError } from '../contract/errors.ts';
import type { Sample } from '../contract/events.ts';
import type { RewardScore } from '../contract/reward.ts';
import type { SampleResult } from '../rollout/sampler.ts';
import { evaluatePairs } from './evaluate-pairs.ts';
import type { DatasetReference } from './reference-sums.ts';
import { initialStatistics, observed } from '../rewards/running-statistics.ts';
import type { RewardStatistics } from '../rewards/running-statistics.ts';
import { reportProgress } from './progress.ts';
import { evened } from './rollouts.ts';
import type { TrainingParts } from './training-parts.ts';

export interface EvaluationResult {
  readonly score: number;
  /** Mean by component. */
  readonly components: Readonly<Record<string, number>>;
  /** Questions that the score is the mean of. */
  readonly count: number;
  readonly seconds: number;
  /** By which components of the reward were evened out; absent where nothing was graded. */
  readonly statistics?: RewardStatistics;
  /** Every answer; empty where the score is not of answers. */
  readonly samples: readonly Sample[];
}

/**
 * Asks every held-out question greedily. Without a reward (supervised learning) the score is the mean
 * log-probability of a token of the right answers instead; for methods that learn from pairs it is the accuracy on them.
 * @param statistics those of the first held-out answers, by which components of the reward are evened out: a fixed measure,
 *   where that of training moves; empty before the first time
 * @returns null when a stop was asked for meanwhile
 * @throws user error `not-gradable` when no answer could be graded
 */
export async function evaluate(
  parts: TrainingParts,
  dataset: DatasetReference,
  statistics: RewardStatistics = [],
): Promise<EvaluationResult | null> {
  const started = parts.now();
  if (parts.grade === null) {
    return parts.spec.preference === undefined
      ? scoreAnswers(parts, started)
      : evaluatePairs(parts, started, dataset);
  }
  const progress = reportProgress(parts, 'evaluating', parts.evaluation.length);
  let answers: SampleResult[];
  try {
    answers = await parts.sampler.generate(
      parts.evaluation.map((prompt) => ({ promptIds: prompt.promptIds, stream: [parts.config.seed] })),
      {
        maxTokens: parts.config.budget.maxTokens,
        temperature: 0,
        topP: 1,
        topK: 0,
        stopIds: parts.stopIds,
        onProgress: (finished) => {
          progress(finished);
          return !parts.stopRequested();
        },
      },
    );
  } catch (error) {
    if (error instanceof EspalierError && error.kind === 'cancelled') return null;
    throw error;
  }
  const texts = await parts.decode(answers);
  const given = parts.evaluation.map((prompt, place) => ({
    prompt,
    text: texts[place]!.text,
    finish: answers[place]!.finish,
    tokens: answers[place]!.ids.length,
  }));
  let scores: RewardScore[];
  try {
    scores = await parts.grade('evaluation', given);
  } catch (error) {
    if (error instanceof EspalierError && error.kind === 'cancelled') return null;
    throw error;
  }
  const measure =
    statistics.length > 0 ? statistics : observed(initialStatistics(parts.config.reward), scores);
  const rewards = evened(parts, 'evaluation', scores, given, measure);
  const samples = parts.evaluation.map((prompt, place): Sample => ({
    split: 'evaluation',
    promptIndex: prompt.index,
    sampleIndex: 0,
    prompt: prompt.prompt,
    reference: prompt.reference,
    promptIds: prompt.promptIds,
    ids: answers[place]!.ids,
    ...texts[place]!,
    finish: answers[place]!.finish,
    reward: rewards[place]!,
    samplerLogprobs: answers[place]!.logprobs,
  }));
  const graded = samples.filter((sample) => sample.reward.total !== null);
  if (graded.length === 0) {
    const reason = samples
      .flatMap((sample) => sample.reward.components)
      .find((component) => component.value === null)?.reason;
    throw userError(
      'not-gradable',
      `None of the ${samples.length} held-out answers could be graded: ${reason ?? 'no reason given'}.`,
      {
        where: 'reward',
        advice: 'Check that the answer column of the evaluation data holds what the reward compares with.',
      },
    );
  }
  return {
    score: meanOf(graded.map((sample) => sample.reward.total ?? 0)),
    components: componentMeans(samples),
    count: graded.length,
    seconds: (parts.now() - started) / 1000,
    statistics: measure,
    samples,
  };
}

/** Mean value of each reward component over the answers for which it has one. */
export function componentMeans(samples: readonly Pick<Sample, 'reward'>[]): Record<string, number> {
  const values = new Map<string, number[]>();
  for (const { reward } of samples) {
    for (const { name, value } of reward.components) {
      if (value === null) continue;
      const list = values.get(name);
      if (list === undefined) values.set(name, [value]);
      else list.push(value);
    }
  }
  return Object.fromEntries([...values].map(([name, list]) => [name, meanOf(list)]));
}

/** Held-out questions whose right answers are scored at once; between two such batches a stop is noticed. */
const scoredAtOnce = 64;

async function scoreAnswers(parts: TrainingParts, started: number): Promise<EvaluationResult | null> {
  let sum = 0;
  let tokens = 0;
  for (let first = 0; first < parts.evaluation.length; first += scoredAtOnce) {
    await parts.pause();
    if (parts.stopRequested()) return null;
    const batch = parts.evaluation.slice(first, first + scoredAtOnce).map((prompt) => {
      if (prompt.answerIds === null) throw new Error('supervised evaluation needs answers');
      return { promptIds: prompt.promptIds, answerIds: prompt.answerIds };
    });
    for (const { logprobs } of await parts.learner.score(batch, 1)) {
      for (const value of logprobs) sum += value;
      tokens += logprobs.length;
    }
  }
  const score = sum / tokens;
  return {
    score,
    components: { logProbability: score },
    count: parts.evaluation.length,
    seconds: (parts.now() - started) / 1000,
    samples: [],
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
