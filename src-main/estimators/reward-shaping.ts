/** What an answer that was cut off at the token limit is worth. */

/** What an answer that was cut off at the token limit is worth: its reward times a factor, or a fixed number. */
export type TruncatedReward = { readonly multiply: number } | { readonly replaceBy: number };

/** The reward of an answer that did not end by itself. */
export function truncatedReward(reward: number, rule: TruncatedReward): number {
  return 'multiply' in rule ? reward * rule.multiply : rule.replaceBy;
}
