/**
 * What an estimator hands to the engine: a rollout plan, a rule for advantages and a surrogate loss.
 * All plain data, so that it can be shown, stored and compared. No field for a discount: it is always 1.
 */
import { z } from 'zod';

/** Every estimator and method that an experiment may name. The one list to touch when one is added. */
export const estimatorNames = [
  'reinforce',
  'reinforce-plus-plus',
  'reinforce-plus-plus-baseline',
  'rloo',
  'grpo',
  'dr-grpo',
  'gspo',
  'cispo',
  'opo',
  'gpg',
  'pass-at-k',
  'remax',
  'sft',
] as const;
export const estimatorNameSchema = z.enum(estimatorNames);
export type EstimatorName = z.infer<typeof estimatorNameSchema>;

/** How per-token losses become one number; see docs/estimators/README.md for the formulas. */
export const aggregationSchema = z.enum(['tokenMean', 'seqTokenMean', 'constant', 'seqSum', 'tokenSum']);
export type Aggregation = z.infer<typeof aggregationSchema>;

export const klSchema = z.strictObject({
  /** `reward`: subtracted from the reward before the baseline; `loss`: added to the loss. */
  where: z
    .enum(['none', 'reward', 'loss'])
    .meta({
      label: 'Where the penalty acts',
      help: 'none: no penalty; reward: subtracted from the reward; loss: added to the loss.',
    }),
  estimator: z
    .enum(['k1', 'k2', 'k3'])
    .meta({
      label: 'Estimate of the divergence',
      help: 'How the divergence of each token is estimated: k1 in the reward, k2 or k3 in the loss.',
    }),
  coefficient: z.number().min(0).meta({ label: 'Weight of the penalty', help: 'Weight of the penalty.' }),
});
export type KlSpec = z.infer<typeof klSchema>;

/** What must be sampled before advantages can be computed. */
export interface RolloutPlan {
  /** Sampled answers for each prompt (0 for methods that learn from a dataset). */
  readonly samplesPerPrompt: number;
  /** Whether one greedy answer for each prompt is needed as its baseline; it is never trained on. */
  readonly greedy: boolean;
}

/** What an answer's reward is compared with. */
export type Baseline =
  | 'none'
  | 'movingAverage'
  | 'groupMean'
  | 'leaveOneOut'
  | 'greedy'
  /** Mean of the group weighted by answer lengths (OPO). */
  | 'lengthWeightedGroupMean'
  /** Only the best answer of a group counts, with its lead over the second best (pass@k). */
  | 'bestMinusSecond'
  /** Group mean, then times answers / answers with a reward other than 0 (GPG). */
  | 'groupMeanTimesNonzero';

/** What advantages are divided by. */
export type AdvantageScale =
  | 'none'
  /** Standard deviation of the rewards of the group, or of the batch. */
  | 'groupStd'
  | 'batchStd'
  /** Mean 0 and deviation 1 over the answers of the batch. */
  | 'batchScores'
  /** Mean 0 and deviation 1 over all tokens of the batch; or mean 0 only. */
  | 'batchTokens'
  | 'batchTokensCenter';

export interface AdvantageSpec {
  readonly baseline: Baseline;
  readonly scale: AdvantageScale;
  /** Divisor of the variance is n − ddof. */
  readonly ddof: 0 | 1;
  /** Added to the standard deviation; for `batchTokens` see `epsAt`. */
  readonly eps: number;
  /** `batchTokens`: divide by sqrt(variance + eps) or by sqrt(max(variance, eps)). */
  readonly epsAt?: 'var' | 'floorVar';
  /** Weight of the previous value in the moving average (`movingAverage` only). */
  readonly decay?: number;
  /**
   * Where a KL penalty in the reward enters: `score` takes the sum over the answer from its reward before the
   * baseline; `toGo` takes the sum from each token on from that token's advantage, after the baseline.
   */
  readonly klFold: 'score' | 'toGo';
  /** Bounds of the raw reward (`score`) or of the advantage (`afterBaseline`). */
  readonly clip?: { readonly low: number; readonly high: number; readonly at: 'score' | 'afterBaseline' };
}

/** What advantages carry from one batch to the next: plain data, stored in checkpoints. */
export interface AdvantageState {
  /** Moving average of the mean reward of earlier batches; null before the first. */
  readonly movingAverage: number | null;
}

export interface SurrogateSpec {
  /**
   * Loss of one token: `pg` −A·logπ; `ppoClip` −min(ρA, clip(ρ)A); `nll` −logπ;
   * `cispo` −clip(ρ)·A·logπ with the clipped ratio held constant.
   */
  readonly kind: 'pg' | 'ppoClip' | 'nll' | 'cispo';
  /** Which ratio ρ = π/π_old is clipped: of the token, or of the answer (exp of the mean or sum of its log-ratios). */
  readonly ratio: 'token' | 'seqMean' | 'seqSum';
  /** The clip band is [1 − clipLow, 1 + clipHigh] (`ppoClip` and `cispo` only). */
  readonly clipLow: number;
  readonly clipHigh: number;
  /** Bounds the loss of a token with A < 0 at dualClip·|A| (`ppoClip` only); above 1, absent for no bound. */
  readonly dualClip?: number;
  readonly aggregation: Aggregation;
  /** Divisor of each answer for the aggregation `constant`: the longest answer allowed, in tokens. */
  readonly constantLength: number;
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
