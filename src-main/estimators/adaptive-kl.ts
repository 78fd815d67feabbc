/** A weight of the KL penalty that follows a wanted KL (Ziegler et al. 2019). */
import type { KlSpec } from '../contract/estimator.ts';

/** Largest relative error that counts, and how much of it changes the weight in one step. */
const errorBound = 0.2;
const gain = 0.1;

/**
 * The coefficient for the next step, from the KL of an answer that this step measured (mean over answers, nats):
 * raised while it is above the target, lowered below it, by at most 2 % a step. Unchanged without a target or a measure.
 */
export function adaptedCoefficient(kl: KlSpec, measured: number): number {
  if (kl.target === undefined || !Number.isFinite(measured)) return kl.coefficient;
  const error = Math.min(Math.max(measured / kl.target - 1, -errorBound), errorBound);
  return kl.coefficient * (1 + gain * error);
}
