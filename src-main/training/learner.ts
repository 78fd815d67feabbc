/** The model being trained: forward, loss, backward and optimizer over one set of weights. */
import type { KlSpec, SurrogateSpec } from '../contract/estimator.ts';

/** One sequence with the tokens that are scored: prompt, then answer. */
export interface LearnerSequence {
  readonly promptIds: Int32Array;
  readonly answerIds: Int32Array;
}

/** A sequence with what the loss needs, one number for each answer token. */
export interface LossSequence extends LearnerSequence {
  readonly advantages: Float32Array;
  /** Log-probabilities under the policy that the batch was sampled from, at the training temperature. */
  readonly oldLogprobs: Float32Array | null;
  /** Log-probabilities of the reference policy (only for a KL term in the loss). */
  readonly referenceLogprobs: Float32Array | null;
  /** Weight of each token in the sum that is the loss: aggregation with its fixed denominator, mask and sampler weight. */
  readonly weights: Float32Array;
}

export interface TokenScores {
  readonly logprobs: Float32Array;
  readonly entropies: Float32Array;
}

export interface LossResult {
  /** Sum over tokens of weight × token loss (the denominators are in the weights). */
  readonly loss: number;
  /** For each sequence: scores of its answer tokens under the weights before the update. */
  readonly scores: readonly TokenScores[];
}

export interface OptimizerSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly clipNorm: number | null;
}

export interface StepResult {
  /** Global norm of the gradient before clipping, summed in double precision. */
  readonly gradientNorm: number;
  /** False when loss or gradient was not finite: nothing was changed. */
  readonly applied: boolean;
}

export interface Learner {
  /** Log-probability and entropy of every answer token at this temperature; no gradient. `reference` uses the weights kept by `keepReference`. */
  score(
    sequences: readonly LearnerSequence[],
    temperature: number,
    which?: 'policy' | 'reference',
  ): Promise<TokenScores[]>;
  /** Adds the gradient of the loss over these sequences to what is accumulated; splits into micro-batches itself. */
  accumulate(
    sequences: readonly LossSequence[],
    surrogate: SurrogateSpec,
    kl: KlSpec,
    temperature: number,
  ): Promise<LossResult>;
  /** One AdamW update from the accumulated gradient, which is then empty again. */
  step(settings: OptimizerSettings): StepResult;
  /** Keeps a copy of the present weights as the reference policy. */
  keepReference(): void;
  /** Writes weights (Hugging Face folder `model/`) and optimizer state below `directory`; the caller makes it atomic. */
  save(directory: string): Promise<void>;
  /** Reads what `save` wrote. */
  restore(directory: string): Promise<void>;
  dispose(): Promise<void>;
}

/** A learner whose gradient can be read from its weights' store and thrown away, for measurements. */
export interface MeasuringLearner extends Learner {
  /** Empties the accumulated gradient without an update. */
  discardGradient(): void;
}
