/** What the sampler is asked for and what it returns. */
import type { FinishReason } from '../contract/events.ts';

export interface SampleRequest {
  /** Tokens to continue. Requests with equal prompts share one prefill. */
  readonly promptIds: Int32Array;
  /** The random stream of this answer: equal streams give equal answers whatever else is in the batch. */
  readonly stream: readonly number[];
  /** Most tokens of this answer; absent: `maxTokens` of the options. */
  readonly maxTokens?: number;
}

export interface SampleOptions {
  /** Most tokens of an answer whose request says nothing else. */
  readonly maxTokens: number;
  /** 0: greedy. */
  readonly temperature: number;
  /** For generation only; training keeps 1 and 0 (off), for there the log-probability is of the full softmax. */
  readonly topP: number;
  readonly topK: number;
  readonly stopIds: readonly number[];
  /** Called after every token step with answers finished so far; return false to cancel (throws a cancelled error). */
  readonly onProgress?: (finished: number, tokens: number) => boolean;
}

export interface SampleResult {
  /** Answer tokens, the stop token included. */
  readonly ids: Int32Array;
  /** Log-probability of each answer token under the softmax at the sampling temperature (at 1 when greedy). */
  readonly logprobs: Float32Array;
  readonly finish: FinishReason;
}

export interface Sampler {
  /** Answers in the order of the requests. Weights are read where the learner keeps them: nothing to push. */
  generate(requests: readonly SampleRequest[], options: SampleOptions): Promise<SampleResult[]>;
  dispose(): Promise<void>;
}
