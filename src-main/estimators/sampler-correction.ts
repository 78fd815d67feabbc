/**
 * The weight that corrects for sampling with slightly different numbers than learning (rounding, another kernel):
 * exp(log π_old − log μ), μ being the sampler, held constant and bounded so that no token can dominate a step.
 */

export interface SamplerCorrection {
  /**
   * `token`: one weight per token. `sequence`: the product over the answer, the same for each of its tokens.
   * `seqMean`: the geometric mean over the answer is tested against the bounds; answers inside keep token weights.
   */
  readonly mode: 'token' | 'sequence' | 'seqMean';
  /** `truncate` moves weights to the bounds, `mask` sets weights outside to 0. */
  readonly treatment: 'truncate' | 'mask';
  readonly cap: number;
  /** Lower bound; null for none. */
  readonly floor: number | null;
}

/** The correction that runs use: per token, truncated at the cap. */
export function truncatedCorrection(cap: number): SamplerCorrection {
  return { mode: 'token', treatment: 'truncate', cap, floor: null };
}

/** Weight of each token of one answer, from the learner's log-probabilities before the update and the sampler's. */
export function samplerWeights(
  oldLogprobs: ArrayLike<number>,
  samplerLogprobs: ArrayLike<number>,
  correction: SamplerCorrection,
): Float64Array {
  const length = oldLogprobs.length;
  if (samplerLogprobs.length !== length) {
    throw new RangeError(
      `${length} log-probabilities of the learner, ${samplerLogprobs.length} of the sampler`,
    );
  }
  const weights = new Float64Array(length);
  let sum = 0;
  for (let token = 0; token < length; token++) {
    const gap = oldLogprobs[token]! - samplerLogprobs[token]!;
    sum += gap;
    weights[token] = Math.exp(gap);
  }
  switch (correction.mode) {
    case 'token':
      return weights.map((weight) => bounded(weight, correction));
    case 'sequence':
      return weights.fill(bounded(Math.exp(sum), correction));
    case 'seqMean': {
      const typical = Math.exp(length === 0 ? 0 : sum / length);
      if (correction.treatment === 'truncate') return weights.fill(bounded(typical, correction));
      return isInside(typical, correction) ? weights : weights.fill(0);
    }
  }
}

function isInside(weight: number, correction: SamplerCorrection): boolean {
  return weight <= correction.cap && (correction.floor === null || weight >= correction.floor);
}

function bounded(weight: number, correction: SamplerCorrection): number {
  if (isInside(weight, correction)) return weight;
  if (correction.treatment === 'mask') return 0;
  return weight > correction.cap ? correction.cap : (correction.floor ?? weight);
}
