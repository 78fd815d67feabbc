/** The held-out score of a reward model: in which share of pairs the better answer has the higher score. */
import { calibrationOf } from '../estimators/calibration.ts';
import { rewardPairLoss, rewardPairMetrics } from '../estimators/reward-pair-loss.ts';
import type { ScoredPair } from '../estimators/reward-pair-loss.ts';
import type { EvaluationResult } from './evaluate.ts';
import { reportProgress } from './progress.ts';
import type { RewardTrainingParts } from './reward-model-step.ts';
import { pairScores } from './reward-model-step.ts';

/** Pairs scored at once; between two such batches a stop is noticed. */
const pairsAtOnce = 32;

/**
 * Scores every held-out pair. `components` also hold loss, mean lead and calibration (docs/metrics.md).
 * @returns null when a stop was asked for meanwhile
 */
export async function evaluateRewardModel(parts: RewardTrainingParts): Promise<EvaluationResult | null> {
  const started = parts.now();
  const { evaluation, learner } = parts;
  const progress = reportProgress(parts, 'evaluating', evaluation.length);
  const scored: ScoredPair[] = [];
  while (scored.length < evaluation.length) {
    await parts.pause();
    if (parts.stopRequested()) return null;
    const pairs = evaluation.slice(scored.length, scored.length + pairsAtOnce);
    scored.push(
      ...pairScores(pairs, await learner.score(pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]))),
    );
    progress(scored.length);
  }
  const metrics = rewardPairMetrics(scored);
  const accuracy = metrics['rewards/accuracies'] ?? NaN;
  const { bins, error } = calibrationOf(scored);
  const components: Record<string, number> = {
    accuracy,
    // Margins are what training asks for; how well pairs are told apart is a matter without them.
    loss: rewardPairLoss(
      scored.map((pair) => ({ ...pair, margin: 0 })),
      { centering: 0 },
    ).loss,
    margin: metrics['rewards/margins'] ?? NaN,
    calibrationError: error,
  };
  bins.forEach((bin, place) => {
    if (bin === null) return;
    components[`calibration/${place + 1}/predicted`] = bin.predicted;
    components[`calibration/${place + 1}/right`] = bin.right;
    components[`calibration/${place + 1}/pairs`] = bin.pairs;
  });
  return {
    score: accuracy,
    components,
    count: scored.length,
    seconds: (parts.now() - started) / 1000,
    samples: [],
  };
}
