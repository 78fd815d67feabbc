/** One step of training a reward model: epochs × minibatches over the pairs of the step, each one optimizer step. */
import type { RewardModelSpec } from '../contract/estimator.ts';
import { rewardPairMetrics } from '../estimators/reward-pair-loss.ts';
import type { ScoredPair } from '../estimators/reward-pair-loss.ts';
import type { OptimizerSettings } from './learner.ts';
import type { LoopState } from './loop-state.ts';
import type { RewardPair } from './prepare-reward-pairs.ts';
import type { StepOutcome } from './rollout-step.ts';
import type { LoopParts } from './training-parts.ts';
import { streams } from './training-parts.ts';
import type { RewardLearner } from './reward-learner.ts';
import { minibatches } from './update-policy.ts';

/** What the loop works with where a reward model is trained. */
export interface RewardTrainingParts extends LoopParts<RewardPair> {
  readonly learner: RewardLearner;
  readonly rewardModel: RewardModelSpec;
}

/** Learns from these pairs. */
export async function rewardModelStep(
  parts: RewardTrainingParts,
  pairs: readonly RewardPair[],
  state: LoopState,
  settings: OptimizerSettings,
): Promise<StepOutcome> {
  const { config, learner, rewardModel, spec } = parts;
  const started = parts.now();
  let [applied, failed, loss, norm, tokens] = [0, 0, 0, 0, 0];
  let scored: ScoredPair[] = [];
  epochs: for (let epoch = 0; epoch < spec.surrogate.epochs; epoch++) {
    scored = [];
    const order = [config.seed, streams.minibatch, state.step, epoch];
    for (const members of minibatches([...pairs.keys()], config.method.minibatches, order)) {
      await parts.pause();
      const given = members.map((member) => ({ ...pairs[member]!, weight: 1 / members.length }));
      const result = await learner.accumulate(given, rewardModel);
      scored.push(...pairScores(given, result.scores));
      for (const { chosen, rejected } of given)
        for (const text of [chosen, rejected]) tokens += text.promptIds.length + text.answerIds.length;
      const update = learner.step(settings);
      if (!update.applied) {
        failed++;
        break epochs;
      }
      applied++;
      loss += result.loss;
      norm += update.gradientNorm;
    }
  }
  const { movingAverage, samplerGap, answers, generatedTokens, generateSeconds } = state;
  return {
    metrics: {
      loss: loss / applied,
      gradientNorm: norm / applied,
      updates: applied,
      updatesLeftOut: failed,
      learntTokens: tokens,
      ...rewardPairMetrics(scored),
      secondsLearn: (parts.now() - started) / 1000,
    },
    samples: [],
    applied: failed === 0,
    change: { movingAverage, samplerGap, answers, generatedTokens, generateSeconds },
  };
}

/** Scores of pairs, better answer first, with their margins. */
export function pairScores(
  pairs: readonly { readonly margin: number }[],
  scores: Float32Array,
): ScoredPair[] {
  return pairs.map(({ margin }, place) => ({
    chosen: scores[2 * place] ?? NaN,
    rejected: scores[2 * place + 1] ?? NaN,
    margin,
  }));
}
