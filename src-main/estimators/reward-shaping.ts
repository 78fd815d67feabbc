/** What may happen to the reward of an answer before advantages: long answers and answers that were cut off. */

export interface OverlongPenalty {
  /** Longest answer allowed, in tokens. */
  readonly maxTokens: number;
  /** The penalty sets in this many tokens before the limit. */
  readonly buffer: number;
  /** Penalty at the limit. */
  readonly factor: number;
}

/** DAPO's soft penalty: 0 up to maxTokens − buffer tokens, then falling in a straight line to −factor at maxTokens. */
export function overlongPenalty(length: number, penalty: OverlongPenalty): number {
  const over = length - (penalty.maxTokens - penalty.buffer);
  return over <= 0 ? 0 : -Math.min(over / penalty.buffer, 1) * penalty.factor;
}

/** What an answer that was cut off at the token limit is worth: its reward times a factor, or a fixed number. */
export type TruncatedReward = { readonly multiply: number } | { readonly replaceBy: number };

/** The reward of an answer that did not end by itself. */
export function truncatedReward(reward: number, rule: TruncatedReward): number {
  return 'multiply' in rule ? reward * rule.multiply : rule.replaceBy;
}
