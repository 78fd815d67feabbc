/**
 * What an estimator hands to the engine: a rollout plan, a rule for advantages and a surrogate loss.
 * All plain data, so that it can be shown, stored and compared. No field for a discount: it is always 1.
 */
import { z } from 'zod';

/** Every estimator and method that an experiment may name. The one list to touch when one is added. */
export const estimatorNames = ['reinforce', 'rloo', 'grpo', 'dr-grpo', 'remax', 'sft'] as const;
export const estimatorNameSchema = z.enum(estimatorNames);
export type EstimatorName = z.infer<typeof estimatorNameSchema>;

/** How per-token losses become one number; see docs/estimators/README.md for the formulas. */
export const aggregationSchema = z.enum(['tokenMean', 'seqTokenMean', 'constant', 'seqSum']);
export type Aggregation = z.infer<typeof aggregationSchema>;

export const klSchema = z.strictObject({
  /** `reward`: subtracted from the reward before the baseline; `loss`: added to the loss. */
  where: z.enum(['none', 'reward', 'loss']),
  estimator: z.enum(['k1', 'k2', 'k3']),
  coefficient: z.number().min(0),
});
export type KlSpec = z.infer<typeof klSchema>;

/** What must be sampled before advantages can be computed. */
export interface RolloutPlan {
  /** Sampled answers for each prompt (0 for methods that learn from a dataset). */
  readonly samplesPerPrompt: number;
  /** Whether one greedy answer for each prompt is needed as its baseline; it is never trained on. */
  readonly greedy: boolean;
}

export interface AdvantageSpec {
  readonly baseline: 'none' | 'movingAverage' | 'groupMean' | 'leaveOneOut' | 'greedy';
  readonly scale: 'none' | 'groupStd';
  /** Divisor of the variance is n − ddof. */
  readonly ddof: 0 | 1;
  readonly eps: number;
  /** Weight of the previous value in the moving average (`movingAverage` only). */
  readonly decay?: number;
}

export interface SurrogateSpec {
  readonly kind: 'pg' | 'ppoClip' | 'nll';
  /** Which ratio π/π_old the clip acts on. */
  readonly ratio: 'token';
  /** The clip band is [1 − clipLow, 1 + clipHigh] (`ppoClip` only). */
  readonly clipLow: number;
  readonly clipHigh: number;
  readonly aggregation: Aggregation;
  /** Optimizer passes over each batch of answers. */
  readonly epochs: number;
  /** Cap of the weight π_old/μ between learner and sampler; null switches the correction off. */
  readonly samplerCap: number | null;
}

export interface EstimatorSpec {
  readonly plan: RolloutPlan;
  readonly advantage: AdvantageSpec;
  readonly surrogate: SurrogateSpec;
  readonly kl: KlSpec;
}
