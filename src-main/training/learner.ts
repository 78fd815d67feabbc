/** The model being trained: forward, loss, backward and optimizer over one set of weights. */
import type { CriticSpec, KlSpec, PreferenceSpec, SurrogateSpec } from '../contract/estimator.ts';

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
  /** What the value head is to learn, where the policy has one. */
  readonly valueTargets?: ValueTargets;
}

/** What a critic is to learn of one answer: one number for each answer token, and the form of the loss. */
export interface ValueTargets extends Pick<CriticSpec, 'clip' | 'coefficient'> {
  readonly returns: Float32Array;
  /** Values before the first update on the batch. */
  readonly oldValues: Float32Array;
  /** Weight of each token in the sum that is the loss. */
  readonly weights: Float32Array;
}

/** One example of a loss over preferences: a pair (chosen answer first), or for KTO one judged answer. */
export interface PreferenceExample {
  readonly sequences: readonly LearnerSequence[];
  /** Score of each sequence under the reference (sum of its log-probabilities, or mean where the loss averages); read only where the loss has a reference. */
  readonly referenceScores: readonly number[];
  /** Weight of the example in the sum that is the loss. */
  readonly weight: number;
  /** Weight of each token of the first sequence in the likelihood term. */
  readonly likelihoodWeight: number;
  /** KTO: whether the answer was called good, and the estimate of the KL that its score is compared with. */
  readonly desirable: boolean;
  readonly kl: number;
}

export interface TokenScores {
  readonly logprobs: Float32Array;
  readonly entropies: Float32Array;
  /** What the value head says before each token, where the policy has one. */
  readonly values?: Float32Array;
}

export interface LossResult {
  /** Sum over tokens of weight × token loss (the denominators are in the weights). */
  readonly loss: number;
  /** The part of the value head, before its coefficient; 0 without one. */
  readonly valueLoss?: number;
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
  /** The same for a loss over preferences; the scores are those of all sequences, example by example. */
  accumulatePreference(
    examples: readonly PreferenceExample[],
    spec: PreferenceSpec,
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
