/**
 * Estimates, from one token, of how far the policy has moved from the reference: k1 = Δ, k2 = Δ²/2,
 * k3 = exp(−Δ) − 1 + Δ with Δ = log π − log π_ref; with the derivative that each sends back.
 */
import type { KlSpec } from '../contract/estimator.ts';

/**
 * A KL term of the loss. The optional fields describe what other libraries do; runs use none of them.
 */
export interface KlTerm extends KlSpec {
  /** Cap of the constant ratio for the gradient `k2`; absent: the ratio is left out. */
  readonly ratioCap?: number;
  /** Bounds of Δ (k3 only) and of the estimate, which then sends back nothing. */
  readonly clampLogRatio?: number;
  readonly clampValue?: number;
}

export interface KlEstimate {
  readonly value: number;
  /** d value / d log π as sent back to the policy. */
  readonly derivative: number;
}

/** The estimate for one token. `ratio` is π/π_old, 1 on the policy that sampled. */
export function klEstimate(logprob: number, referenceLogprob: number, term: KlTerm, ratio = 1): KlEstimate {
  const delta = logprob - referenceLogprob;
  const own = clampedEstimate(delta, term);
  switch (term.gradient ?? 'estimator') {
    case 'estimator':
      return own;
    case 'timesRatio':
      return { value: own.value * ratio, derivative: ratio * (own.derivative + own.value) };
    case 'k2':
      return {
        value: own.value,
        derivative: delta * (term.ratioCap === undefined ? 1 : Math.min(ratio, term.ratioCap)),
      };
  }
}

function clampedEstimate(delta: number, term: KlTerm): KlEstimate {
  const estimate = plainEstimate(delta, term);
  const bound = term.clampValue ?? Infinity;
  if (Math.abs(estimate.value) <= bound) return estimate;
  return { value: Math.sign(estimate.value) * bound, derivative: 0 };
}

function plainEstimate(delta: number, term: KlTerm): KlEstimate {
  switch (term.estimator) {
    case 'k1':
      return { value: delta, derivative: 1 };
    case 'k2':
      return { value: (delta * delta) / 2, derivative: delta };
    case 'k3': {
      const bound = term.clampLogRatio ?? Infinity;
      const bounded = Math.min(Math.max(delta, -bound), bound);
      // expm1 keeps the digits of a small difference.
      const value = Math.expm1(-bounded) + bounded;
      return { value, derivative: bounded === delta ? -Math.expm1(-bounded) : 0 };
    }
  }
}
