/** What a step tells about its pairs or judged answers, under the names of the field. */
import type { PreferenceSpec } from '../contract/estimator.ts';
import { mean } from './group-statistics.ts';
import type { Metrics } from './metric-names.ts';
import { answerScore, type JudgedAnswer } from './preference-loss.ts';

/**
 * Metrics of the examples of an update: pairs (chosen answer first), or judged answers one by one. Rewards are β times
 * the score that the loss compares.
 */
export function preferenceMetrics(
  examples: readonly (readonly JudgedAnswer[])[],
  spec: PreferenceSpec,
): Metrics {
  const answers = examples.flat();
  if (answers.length === 0) return {};
  const reward = (answer: JudgedAnswer): number => spec.beta * answerScore(answer, spec);
  const logprob = (answer: JudgedAnswer): number => answerScore(answer, { reference: false, average: false });
  const good = answers.filter(({ desirable }) => desirable);
  const bad = answers.filter(({ desirable }) => !desirable);
  const metrics: Metrics = {};
  if (good.length > 0) {
    metrics['rewards/chosen'] = mean(good.map(reward));
    metrics['logps/chosen'] = mean(good.map(logprob));
  }
  if (bad.length > 0) {
    metrics['rewards/rejected'] = mean(bad.map(reward));
    metrics['logps/rejected'] = mean(bad.map(logprob));
  }
  if (good.length > 0 && bad.length > 0)
    metrics['rewards/margins'] = mean(good.map(reward)) - mean(bad.map(reward));
  const accuracy = preferenceAccuracy(examples, spec);
  if (accuracy !== null) metrics['rewards/accuracies'] = accuracy;
  if (spec.likelihood > 0) {
    const tokens = good.reduce((sum, { logprobs }) => sum + logprobs.length, 0);
    metrics.nllLoss = -good.reduce((sum, answer) => sum + logprob(answer), 0) / tokens;
  }
  return metrics;
}

/** Share of pairs whose chosen answer has the higher score, ties counting one half; null where there are no pairs. */
export function preferenceAccuracy(
  examples: readonly (readonly JudgedAnswer[])[],
  spec: PreferenceSpec,
): number | null {
  const results = examples.flatMap(([chosen, rejected]) => {
    if (chosen === undefined || rejected === undefined) return [];
    const lead = answerScore(chosen, spec) - answerScore(rejected, spec);
    return [lead > 0 ? 1 : lead < 0 ? 0 : 0.5];
  });
  return results.length === 0 ? null : mean(results);
}
