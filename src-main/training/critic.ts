/** What predicts the reward that is still to come, where it is a network of its own. */
import type { LearnerSequence, OptimizerSettings, StepResult, ValueTargets } from './learner.ts';

export interface ValueSequence extends LearnerSequence {
  readonly valueTargets: ValueTargets;
}

export interface Critic {
  /** Value before each answer token; no gradient. */
  values(sequences: readonly LearnerSequence[]): Promise<Float32Array[]>;
  /** Adds the gradient of the value loss over these sequences to what is accumulated; returns Σ weight × loss, times the coefficient. */
  accumulate(
    sequences: readonly ValueSequence[],
  ): Promise<{ readonly loss: number; readonly values: readonly Float32Array[] }>;
  /** One AdamW update from the accumulated gradient, which is then empty again. */
  step(settings: OptimizerSettings): StepResult;
  /** Writes weights and optimizer state below `directory`. */
  save(directory: string): Promise<void>;
  /** Reads what `save` wrote. */
  restore(directory: string): Promise<void>;
  dispose(): Promise<void>;
}
