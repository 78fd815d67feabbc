/** What an answer loses that comes near the longest length: for the reward `overlong` and for DAPO. */

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
