/** From rewards to one advantage a token, for every estimator that learns from sampled answers. */
import type { EstimatorName } from '../../contract/estimator.ts';
import { estimatorNames } from '../../contract/estimator.ts';
import { randomStream } from '../../contract/random.ts';
import { computeAdvantages } from '../../estimators/advantages.ts';
import { estimatorSpec } from '../../estimators/index.ts';
import { benchConfig } from './step-parts.ts';
import type { Measured } from './stopwatch.ts';
import { peakMemory, timedOften } from './stopwatch.ts';

const answers = 4096;
const tokens = 1024;

/** Estimators that turn rewards into advantages; methods that learn from a dataset have none to compute, and those with continuations wait for these. */
export const advantageEstimators: readonly EstimatorName[] = estimatorNames.filter((estimator) => {
  const { plan } = specOf(estimator);
  return plan.samplesPerPrompt > 0 && plan.anchors === undefined;
});

function specOf(estimator: EstimatorName) {
  const { method, budget } = benchConfig({ estimator }, { maxTokens: tokens });
  return estimatorSpec(method, budget);
}

/**
 * Times the advantages of 4,096 answers of 1,024 tokens for each estimator, in groups of its own default size.
 * @returns milliseconds by name of the estimator
 */
export function measureAdvantages(): Measured {
  const random = randomStream([0]);
  const rewards = Array.from({ length: answers }, (_, answer) => Math.round(random.uniform(answer)));
  const lengths = new Int32Array(answers).fill(tokens);
  const works = advantageEstimators.map((estimator): [string, () => void] => {
    const { plan, advantage, kl } = specOf(estimator);
    const groups = Int32Array.from(rewards, (_, answer) => Math.floor(answer / plan.samplesPerPrompt));
    const greedyRewards = plan.greedy ? { greedyRewards: rewards.slice(0, (groups.at(-1) ?? 0) + 1) } : {};
    const values =
      advantage.baseline === 'critic' ? { criticValues: Array.from(lengths, (length) => new Float32Array(length)) } : {};
    const batch = { groups, rewards, lengths, tieBreaks: rewards, ...greedyRewards, ...values };
    return [estimator, () => void computeAdvantages(batch, advantage, kl)];
  });
  // Code that all share is compiled while the first are timed: it must not be they alone who pay.
  for (const [, work] of works) timedOften(work, 0.1);
  const milliseconds = works.map(([name, work]): [string, number] => [name, 1000 * timedOften(work)]);
  return { ...Object.fromEntries(milliseconds), memory: peakMemory() };
}
