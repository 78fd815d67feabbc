/**
 * The loss that a reward model learns from pairs (Bradley-Terry), with its derivatives and what is told of it, in double
 * precision. The compiled graph computes the same and is tested against this file.
 */
import type { RewardModelSpec } from '../contract/estimator.ts';
import { mean } from './group-statistics.ts';
import type { Metrics } from './metric-names.ts';

/** Scores of the two answers of a pair, and by how much the better one should lead. */
export interface ScoredPair {
  readonly chosen: number;
  readonly rejected: number;
  readonly margin: number;
}

export interface RewardPairLoss {
  readonly loss: number;
  /** d loss / d score, one for each pair. */
  readonly chosenGradients: Float64Array;
  readonly rejectedGradients: Float64Array;
}

/**
 * Mean over pairs of −log σ(r_c − r_r − m), plus centering · mean of (r_c + r_r)².
 * Bradley & Terry 1952; the margin as in Llama 2 (Touvron et al. 2023), the centering as in Eisenstein et al. 2023.
 */
export function rewardPairLoss(
  pairs: readonly ScoredPair[],
  { centering }: Pick<RewardModelSpec, 'centering'>,
): RewardPairLoss {
  let loss = 0;
  const chosenGradients = new Float64Array(pairs.length);
  const rejectedGradients = new Float64Array(pairs.length);
  for (const [place, { chosen, rejected, margin }] of pairs.entries()) {
    const lead = chosen - rejected - margin;
    const sum = chosen + rejected;
    loss += (softplus(-lead) + centering * sum * sum) / pairs.length;
    const slope = -sigmoid(-lead);
    chosenGradients[place] = (slope + 2 * centering * sum) / pairs.length;
    rejectedGradients[place] = (-slope + 2 * centering * sum) / pairs.length;
  }
  return { loss, chosenGradients, rejectedGradients };
}

/** What is told of scored pairs: mean scores, mean lead, and the share in which the better answer leads (a tie is half). */
export function rewardPairMetrics(pairs: readonly ScoredPair[]): Metrics {
  if (pairs.length === 0) return {};
  return {
    'rewards/chosen': mean(pairs.map(({ chosen }) => chosen)),
    'rewards/rejected': mean(pairs.map(({ rejected }) => rejected)),
    'rewards/margins': mean(pairs.map(({ chosen, rejected }) => chosen - rejected)),
    'rewards/accuracies': mean(pairs.map(rightness)),
  };
}

/** 1 where the better answer has the higher score, 0 where the worse one has, ½ for a tie. */
export function rightness({ chosen, rejected }: ScoredPair): number {
  return chosen > rejected ? 1 : chosen < rejected ? 0 : 0.5;
}

export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** log(1 + eˣ) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
