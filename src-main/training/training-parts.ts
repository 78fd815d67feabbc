/** Everything that the training loop works with, handed in so that it can run in any process and in tests. */
import type { EstimatorSpec } from '../contract/estimator.ts';
import type { FinishReason, Sample, TrainerEvent } from '../contract/events.ts';
import type { RunConfig } from '../contract/experiment.ts';
import type { RewardScore } from '../contract/reward.ts';
import type { Row } from '../datasets/row.ts';
import type { SampleResult, Sampler } from '../rollout/sampler.ts';
import type { Critic } from './critic.ts';
import type { Learner } from './learner.ts';
import type { RunIdentity } from './loop-state.ts';

/** One question, ready to be asked. */
export interface PreparedPrompt {
  /** Place of its row in its file. */
  readonly index: number;
  readonly row: Row;
  /** The question as the data has it. */
  readonly question: string;
  /** Text as the model reads it, chat template included. */
  readonly prompt: string;
  readonly promptIds: Int32Array;
  /** The right answer, or empty where the data set has none. */
  readonly reference: string;
  /** For methods that learn from the data set: tokens of the answer with the end token; null elsewhere. */
  readonly answerIds: Int32Array | null;
  /** For methods that learn from preferences in the data; each with the end token, null where the row has none. */
  readonly pair?: { readonly chosen: Int32Array | null; readonly rejected: Int32Array | null };
}

export interface AnswerText {
  readonly text: string;
  /** Where each token ends in `text`, in UTF-16 units; absent where the tokenizer cannot tell. */
  readonly tokenEnds?: Int32Array;
}

/** An answer to be graded. */
export interface GivenAnswer {
  readonly prompt: PreparedPrompt;
  readonly text: string;
  readonly finish: FinishReason;
  /** Its tokens, the end token included. */
  readonly tokens: number;
}

export type Grade = (split: Sample['split'], answers: readonly GivenAnswer[]) => Promise<RewardScore[]>;

/** What the loop itself works with, whatever is trained; `Row` is what a step learns from. */
export interface LoopParts<Row> {
  readonly config: RunConfig;
  readonly spec: EstimatorSpec;
  readonly train: readonly Row[];
  readonly evaluation: readonly Row[];
  readonly learner: Pick<Learner, 'save' | 'restore'>;
  /** The critic of PPO where it is a network of its own. */
  readonly critic?: Critic | null;
  /** Metrics of the graders since the last call, for the step that was done. */
  readonly graderMetrics?: () => Record<string, number>;
  readonly identity: RunIdentity;
  /** The facts of the `ready` event. */
  readonly facts: Omit<Extract<TrainerEvent, { type: 'ready' }>, 'type' | 'fromStep'>;
  readonly emit: (event: TrainerEvent) => void;
  /** Milliseconds, rising. */
  readonly now: () => number;
  /** Resident memory of this process, bytes. */
  readonly memory: () => number;
  readonly stopRequested: () => boolean;
  /** Lets the process read its messages; called between batches. */
  readonly pause: () => Promise<void>;
}

/** What a language model is trained with. */
export interface TrainingParts extends LoopParts<PreparedPrompt> {
  /** Token ids that end an answer. */
  readonly stopIds: readonly number[];
  readonly learner: Learner;
  readonly sampler: Sampler;
  /** Texts of answers, special tokens and the token that ended them left out. */
  readonly decode: (answers: readonly SampleResult[]) => Promise<AnswerText[]>;
  /** Rewards of answers, in their order; null where the run has no reward (supervised learning). */
  readonly grade: Grade | null;
}

/** First number of every random stream of training after the seed, so that no two uses share numbers. */
export const streams = { answer: 1, minibatch: 2, redraw: 3, anchor: 4, continuation: 5, tie: 6 } as const;
