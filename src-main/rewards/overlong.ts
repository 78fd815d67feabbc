/** The reward `overlong`: answers that come near the longest length lose, the more the nearer they come (DAPO, arXiv 2503.14476). */
import type { ComponentOf } from '../contract/reward.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { notGradable } from './outcome.ts';
import { overlongPenalty } from './overlong-penalty.ts';

/** From 0 down to −1 over the last `buffer` tokens; not gradable where tokens or limit are not known. */
export function scoreOverlong(
  { tokens, maxTokens }: Pick<RewardItem, 'tokens' | 'maxTokens'>,
  { buffer }: Pick<ComponentOf<'overlong'>, 'buffer'>,
): Outcome {
  if (tokens === null) return notGradable('the tokens of the answer were not counted');
  if (maxTokens === null) return notGradable('the longest length of answers is not known');
  const value = overlongPenalty(tokens, { maxTokens, buffer, factor: 1 });
  return {
    value,
    reason:
      value === 0 ? 'short enough' : `${tokens} of at most ${maxTokens} tokens, ${buffer} of which cost`,
  };
}
