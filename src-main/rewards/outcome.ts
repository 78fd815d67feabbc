/** What a verifier gets and what it says. */
import type { FinishReason } from '../contract/events.ts';
import type { Row } from '../datasets/row.ts';

/** One answer to be graded. */
export interface RewardItem {
  readonly prompt: string;
  /** What the model wrote, without the question. */
  readonly response: string;
  /** The right answer; empty where the data has none. */
  readonly reference: string;
  /** The row that the question came from. */
  readonly row: Row;
  readonly finish: FinishReason;
  /** Tokens of the answer, its end token included; null where no tokenizer was at work. */
  readonly tokens: number | null;
  /** Most tokens that an answer could have had; null where no limit is known. */
  readonly maxTokens: number | null;
}

/** A score with its reason; `value` null means that the grader could not work, through no fault of the answer. */
export interface Outcome {
  readonly value: number | null;
  readonly reason: string;
}

/** The answer is right. */
export const right = (reason: string): Outcome => ({ value: 1, reason });
/** The answer is wrong, empty or not to be understood. */
export const wrong = (reason: string): Outcome => ({ value: 0, reason });
/** The grader has nothing to go by. */
export const notGradable = (reason: string): Outcome => ({ value: null, reason });
