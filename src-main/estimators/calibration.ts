/** Whether a reward model is as sure as it is right: predicted probabilities against how often they come true. */
import type { ScoredPair } from './reward-pair-loss.ts';
import { rightness, sigmoid } from './reward-pair-loss.ts';

/** Pairs that the model is about equally sure of. */
export interface CalibrationBin {
  /** Pairs in the bin. */
  readonly pairs: number;
  /** Mean probability that the model gives the answer which it prefers. */
  readonly predicted: number;
  /** Share of pairs in which that answer is the better one. */
  readonly right: number;
}

export interface Calibration {
  /** Equal widths of probability from ½ to 1; a bin without pairs is null. */
  readonly bins: readonly (CalibrationBin | null)[];
  /** Mean of |predicted − right| over bins, weighted by their pairs (expected calibration error, Guo et al. 2017). */
  readonly error: number;
}

/**
 * The probability that a model gives the answer which it prefers is σ(|r_c − r_r|), so never below ½.
 * @param binCount bins between ½ and 1
 */
export function calibrationOf(pairs: readonly ScoredPair[], binCount = 10): Calibration {
  const sums = Array.from({ length: binCount }, () => ({ pairs: 0, predicted: 0, right: 0 }));
  for (const pair of pairs) {
    const predicted = sigmoid(Math.abs(pair.chosen - pair.rejected));
    const bin = sums[Math.min(binCount - 1, Math.floor((predicted - 0.5) * 2 * binCount))];
    // A score that is not a number is in no bin.
    if (!bin) continue;
    bin.pairs++;
    bin.predicted += predicted;
    bin.right += rightness(pair);
  }
  const bins = sums.map(({ pairs: count, predicted, right }) =>
    count === 0 ? null : { pairs: count, predicted: predicted / count, right: right / count },
  );
  const total = bins.reduce((sum, bin) => sum + (bin?.pairs ?? 0), 0);
  const error = bins.reduce(
    (sum, bin) => sum + (bin ? (bin.pairs / total) * Math.abs(bin.predicted - bin.right) : 0),
    0,
  );
  return { bins, error };
}
