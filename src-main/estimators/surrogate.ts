/**
 * The loss of an optimizer step and its exact derivative with respect to each log-probability, in double
 * precision. The compiled training graph computes the same; it is tested against this file, and the exact
 * analysis of estimators is made with it.
 */
import type { SurrogateSpec } from '../contract/estimator.ts';
import { klEstimate, type KlTerm } from './kl-estimate.ts';

/** One answer; every list has one number for each token. */
export interface SurrogateAnswer {
  readonly logprobs: ArrayLike<number>;
  /** Under the policy that the batch was sampled from; null: the present one (every ratio is 1). */
  readonly oldLogprobs: ArrayLike<number> | null;
  /** Needed for a KL term only. */
  readonly referenceLogprobs: ArrayLike<number> | null;
  readonly advantages: ArrayLike<number>;
  /** From `tokenWeights`: aggregation, mask and sampler correction. */
  readonly weights: ArrayLike<number>;
  /** Weights of the KL term where it is aggregated in another way than the policy term. */
  readonly klWeights?: ArrayLike<number>;
  /** Entropy of the next-token distribution at each token; needed for an entropy bonus only. */
  readonly entropies?: ArrayLike<number> | null;
  /** Weights of the entropy where it is aggregated in another way than the policy term. */
  readonly entropyWeights?: ArrayLike<number>;
  /** Tokens that count in the ratio of a whole answer; absent where all do. */
  readonly mask?: ArrayLike<number>;
}

export interface SurrogateResult {
  readonly loss: number;
  /** d loss / d log-probability, one array for each answer. */
  readonly gradients: Float64Array[];
  /** d loss / d entropy, one array for each answer; empty without an entropy bonus. */
  readonly entropyGradients: Float64Array[];
}

/**
 * Loss and gradient of all answers of a step (or of a micro-batch: losses and gradients add up).
 * Throws RangeError where a KL term lacks reference log-probabilities, an entropy bonus entropies, or lists differ in length.
 */
export function surrogateLoss(
  answers: readonly SurrogateAnswer[],
  surrogate: SurrogateSpec,
  kl: KlTerm = { where: 'none', estimator: 'k1', coefficient: 0 },
): SurrogateResult {
  let loss = 0;
  const gradients = answers.map((answer) => {
    const gradient = new Float64Array(answer.logprobs.length);
    loss += addPolicyTerm(gradient, answer, surrogate);
    if (kl.where === 'loss' && kl.coefficient !== 0) loss += addKlTerm(gradient, answer, kl);
    return gradient;
  });
  const { entropyBonus = 0 } = surrogate;
  if (entropyBonus === 0) return { loss, gradients, entropyGradients: [] };
  const entropyGradients = answers.map((answer) => {
    const gradient = entropyGradient(answer, entropyBonus);
    for (const [token, slope] of gradient.entries())
      if (slope !== 0) loss += slope * answer.entropies![token]!;
    return gradient;
  });
  return { loss, gradients, entropyGradients };
}

/** The loss holds −bonus × weight × entropy of each token. */
function entropyGradient(
  { logprobs, entropies, weights, entropyWeights }: SurrogateAnswer,
  bonus: number,
): Float64Array {
  if (entropies?.length !== logprobs.length)
    throw new RangeError('an entropy bonus needs one entropy for each token');
  return Float64Array.from(entropyWeights ?? weights, (weight) => (weight === 0 ? 0 : -bonus * weight));
}

/** Loss of one token as a function of its ratio. */
export interface ClippedTerm {
  readonly value: number;
  /** d value / d ratio. */
  readonly slope: number;
  /** Which bound holds the term constant; null where none does. */
  readonly clipped: 'low' | 'high' | 'dual' | null;
}

/** −min(ρA, clip(ρ)A), bounded by dualClip·|A| where A < 0. Both branches agree on the edges of the band. */
export function clippedTerm(
  ratio: number,
  advantage: number,
  surrogate: Pick<SurrogateSpec, 'clipLow' | 'clipHigh' | 'dualClip'>,
): ClippedTerm {
  if (advantage === 0) return { value: 0, slope: 0, clipped: null };
  const low = 1 - surrogate.clipLow;
  const high = 1 + surrogate.clipHigh;
  if (advantage > 0 && ratio > high) return { value: -high * advantage, slope: 0, clipped: 'high' };
  if (advantage < 0 && ratio < low) return { value: -low * advantage, slope: 0, clipped: 'low' };
  if (advantage < 0 && surrogate.dualClip !== undefined && ratio > surrogate.dualClip) {
    return { value: -surrogate.dualClip * advantage, slope: 0, clipped: 'dual' };
  }
  return { value: -ratio * advantage, slope: -advantage, clipped: null };
}

/** The ratio π/π_old of each token that the clip acts on: its own, or that of its answer. */
export function ratiosOf(
  answer: Pick<SurrogateAnswer, 'logprobs' | 'oldLogprobs' | 'mask'>,
  kind: SurrogateSpec['ratio'],
): Float64Array {
  const { logprobs, oldLogprobs, mask } = answer;
  const ratios = new Float64Array(logprobs.length).fill(1);
  if (oldLogprobs === null) return ratios;
  if (oldLogprobs.length !== logprobs.length) {
    throw new RangeError(`${logprobs.length} log-probabilities, ${oldLogprobs.length} before the update`);
  }
  if (kind === 'token') {
    return ratios.map((_, token) => Math.exp(logprobs[token]! - oldLogprobs[token]!));
  }
  let sum = 0;
  for (let token = 0; token < ratios.length; token++) {
    if (counts(mask, token)) sum += logprobs[token]! - oldLogprobs[token]!;
  }
  return ratios.fill(Math.exp(kind === 'seqMean' ? sum / Math.max(countOf(mask, ratios.length), 1) : sum));
}

function addPolicyTerm(gradient: Float64Array, answer: SurrogateAnswer, surrogate: SurrogateSpec): number {
  const { logprobs, advantages, weights } = answer;
  const length = logprobs.length;
  if (advantages.length !== length || weights.length !== length) {
    throw new RangeError(
      `${length} log-probabilities, ${advantages.length} advantages, ${weights.length} weights`,
    );
  }
  let loss = 0;
  switch (surrogate.kind) {
    case 'pg':
    case 'nll':
      for (let token = 0; token < length; token++) {
        if (weights[token] === 0) continue; // a masked token may have log-probability −∞
        const slope = -weights[token]! * (surrogate.kind === 'pg' ? advantages[token]! : 1);
        loss += slope * logprobs[token]!;
        gradient[token]! += slope;
      }
      return loss;
    case 'cispo': {
      const ratios = ratiosOf(answer, surrogate.ratio);
      for (let token = 0; token < length; token++) {
        if (weights[token] === 0) continue;
        const factor = Math.min(Math.max(ratios[token]!, 1 - surrogate.clipLow), 1 + surrogate.clipHigh);
        const slope = -weights[token]! * factor * advantages[token]!;
        loss += slope * logprobs[token]!;
        gradient[token]! += slope;
      }
      return loss;
    }
    case 'ppoClip': {
      const ratios = ratiosOf(answer, surrogate.ratio);
      // A ratio of the whole answer depends on every token of it, so slopes are summed before they are handed out.
      let shared = 0;
      for (let token = 0; token < length; token++) {
        if (weights[token] === 0) continue;
        const term = clippedTerm(ratios[token]!, advantages[token]!, surrogate);
        loss += weights[token]! * term.value;
        const slope = weights[token]! * term.slope * ratios[token]!;
        if (surrogate.ratio === 'token') gradient[token]! += slope;
        else shared += slope;
      }
      if (surrogate.ratio === 'token') return loss;
      const share =
        surrogate.ratio === 'seqMean' ? shared / Math.max(countOf(answer.mask, length), 1) : shared;
      for (let token = 0; token < length; token++) if (counts(answer.mask, token)) gradient[token]! += share;
      return loss;
    }
  }
}

function addKlTerm(gradient: Float64Array, answer: SurrogateAnswer, kl: KlTerm): number {
  const { logprobs, referenceLogprobs } = answer;
  if (referenceLogprobs?.length !== logprobs.length) {
    throw new RangeError('a KL term in the loss needs one reference log-probability for each token');
  }
  const weights = answer.klWeights ?? answer.weights;
  const ratios = ratiosOf(answer, 'token');
  let loss = 0;
  for (let token = 0; token < logprobs.length; token++) {
    const factor = kl.coefficient * weights[token]!;
    if (factor === 0) continue;
    const estimate = klEstimate(logprobs[token]!, referenceLogprobs[token]!, kl, ratios[token]);
    loss += factor * estimate.value;
    gradient[token]! += factor * estimate.derivative;
  }
  return loss;
}

function counts(mask: ArrayLike<number> | undefined, token: number): boolean {
  return mask === undefined || mask[token] !== 0;
}

function countOf(mask: ArrayLike<number> | undefined, length: number): number {
  if (mask === undefined) return length;
  let count = 0;
  for (let token = 0; token < length; token++) if (mask[token] !== 0) count += 1;
  return count;
}
