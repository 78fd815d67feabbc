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
  'dapo',
  'ppo',
  'vineppo',
  'trepo',
  'raft',
  'sft',
  'dpo',
  'kto',
  'orpo',
  'simpo',
  'online-dpo',
  'reward-model',
] as const;
export const estimatorNameSchema = z.enum(estimatorNames);
export type EstimatorName = z.infer<typeof estimatorNameSchema>;

/** How per-token losses become one number; see docs/estimators/README.md for the formulas. */
export const aggregationSchema = z.enum(['tokenMean', 'seqTokenMean', 'constant', 'seqSum', 'tokenSum']);
export type Aggregation = z.infer<typeof aggregationSchema>;

export const klSchema = z.strictObject({
  /** `reward`: subtracted from the reward before the baseline; `loss`: added to the loss. */
  where: z.enum(['none', 'reward', 'loss']).meta({
    label: 'Where the penalty acts',
    help: 'none: no penalty; reward: subtracted from the reward; loss: added to the loss.',
  }),
  estimator: z.enum(['k1', 'k2', 'k3']).meta({
    label: 'Estimate of the divergence',
    help: 'How the divergence of each token is estimated: k1 in the reward, k2 or k3 in the loss.',
  }),
  coefficient: z.number().min(0).meta({ label: 'Weight of the penalty', help: 'Weight of the penalty.' }),
  gradient: z.enum(['estimator', 'timesRatio', 'k2']).optional().meta({
    label: 'What the penalty sends back',
    help: 'For a penalty in the loss: estimator (the default) is its own derivative; timesRatio weighs it by the ratio to the policy that answered, so that k3 gives the reverse KL; k2 keeps the value of the estimate and sends back that of k2.',
  }),
  target: z.number().positive().optional().meta({
    label: 'Wanted distance',
    term: 'target KL',
    help: 'With it, the weight is adapted after each step until the KL of an answer is this large; without it, the weight stays as it is.',
    unit: 'nats per answer',
  }),
});
export type KlSpec = z.infer<typeof klSchema>;

/** What must be sampled before advantages can be computed. */
export interface RolloutPlan {
  /** Sampled answers for each prompt (0 for methods that learn from a dataset). */
  readonly samplesPerPrompt: number;
  /** Whether one greedy answer for each prompt is needed as its baseline; it is never trained on. */
  readonly greedy: boolean;
  /** Rounds in which questions whose answers all have the same reward are replaced by further ones (DAPO); absent: none. */
  readonly redraws?: number;
  /** Values inside answers, estimated by fresh continuations (VinePPO, TRePO); absent where none are needed. */
  readonly anchors?: AnchorPlan;
}

/** How an answer is looked into: `Anchor` positions of which the expected reward is estimated. */
export interface AnchorPlan {
  /**
   * Which positions, besides 0, are anchors. All rules are fixed before the answer is known or read it only up to
   * the position itself, for anything else is biased: `stride`: every `stride` tokens; `coins`: each position by a
   * coin thrown ahead of generation; `lines`: after every token that ends a line.
   */
  readonly rule: 'stride' | 'coins' | 'lines';
  /** Tokens between two anchors (`stride`). */
  readonly stride: number;
  /** Probability of each position (`coins`), or of each token (with `between: 'sparse'`). */
  readonly chance: number;
  /** Continuations of each anchor; their mean reward is its value. */
  readonly continuations: number;
  /** `segment`, `linear`: see `estimators/anchors.ts`; `sparse`: only tokens drawn by a coin are weighed, by 1 / chance. */
  readonly between: 'segment' | 'linear' | 'sparse';
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
  | 'groupMeanTimesNonzero'
  /** Values of anchors inside the answer (VinePPO, TRePO); the rule between them is in the plan. */
  | 'anchors'
  /** Answers that are kept have the advantage 1, the others leave the gradient (RAFT). */
  | 'keep'
  /** What a critic says before each token (PPO). */
  | 'critic';

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
  /** λ of generalized advantage estimation (`critic` only; default 1, the unbiased choice). */
  readonly lambda?: number;
  /** Smallest reward of an answer that is kept (`keep` only); null: the best of each group, ties by chance. */
  readonly keepFrom?: number | null;
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
  /** Weight of the entropy, aggregated as the loss, that the loss is lowered by; absent for none. Above 0. */
  readonly entropyBonus?: number;
}

/** The critic of PPO: what predicts, before each token, the reward that is still to come. */
export interface CriticSpec {
  /** `head`: one more output of the policy network; `own`: a network of its own, as large as the policy. */
  readonly network: 'head' | 'own';
  /** A new value further than this from the old one is held there (the larger error counts); null for no bound. */
  readonly clip: number | null;
  /** Weight of the value loss beside the policy loss (`head`), or of the loss by itself (`own`). */
  readonly coefficient: number;
  /** Learning rate relative to that of the policy (`own` only). */
  readonly learningRateFactor: number;
}

/**
 * A loss over pairs of answers, or over answers called good or bad (`kto`). With Δ = log π − log π_ref of a whole
 * answer, w the chosen and l the rejected answer; see docs/estimators/README.md.
 */
export interface PreferenceSpec {
  readonly loss: 'sigmoid' | 'robust' | 'ipo' | 'kto' | 'orpo' | 'simpo';
  readonly beta: number;
  /** Share of pairs assumed to be the wrong way round (`sigmoid`, `robust`, `simpo`). */
  readonly labelSmoothing: number;
  /** Whether log-probabilities of an answer are divided by its length (`ipo`; always so for `orpo` and `simpo`). */
  readonly average: boolean;
  /** Lead that a chosen answer must have (`simpo`). */
  readonly margin: number;
  /** Weight of the negative log-likelihood of chosen answers, mean over their tokens. */
  readonly likelihood: number;
  /** Weights of good and of bad answers (`kto`). */
  readonly desirable: number;
  readonly undesirable: number;
  /** Whether log-probabilities of the starting model are subtracted. */
  readonly reference: boolean;
}

/**
 * Learning a reward model from pairs: −log σ(r_chosen − r_rejected − margin) (Bradley-Terry), mean over pairs, plus
 * `centering` times the mean of (r_chosen + r_rejected)².
 */
export interface RewardModelSpec {
  /** Only the head that turns the last hidden vector into a score is trained. */
  readonly headOnly: boolean;
  readonly centering: number;
}

/** DAPO's soft penalty for long answers: 0 up to `buffer` tokens before the limit, then falling to −factor at it. */
export interface OverlongSpec {
  readonly buffer: number;
  readonly factor: number;
}

export interface EstimatorSpec {
  readonly plan: RolloutPlan;
  /** Taken from the reward of training answers before the advantage; absent: nothing. */
  readonly overlong?: OverlongSpec;
  readonly advantage: AdvantageSpec;
  readonly surrogate: SurrogateSpec;
  readonly kl: KlSpec;
  /** Present for methods with a critic (baseline `critic`). */
  readonly critic?: CriticSpec;
  /**
   * Present for methods that learn from preferences; of `surrogate` only `epochs` then has a meaning. With
   * samplesPerPrompt 0 the pairs come from the data, else best and worst answer to a question are one.
   */
  readonly preference?: PreferenceSpec;
  /** Present for the method that trains a reward model; of `surrogate` only `epochs` then has a meaning. */
  readonly rewardModel?: RewardModelSpec;
}

/** Whether a run needs the log-probabilities of its starting weights. */
export function needsReference({ kl, preference }: EstimatorSpec): boolean {
  return (kl.where !== 'none' && kl.coefficient > 0) || (preference?.reference ?? false);
}
