/** The reward `exact`: the answer is the right one, character for character, but for white space around it. */
import type { ComponentOf } from '../contract/reward.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { notGradable, right, wrong } from './outcome.ts';

/** 1 when response and reference are equal after trimming both; not gradable without a reference. */
export function scoreExact(
  { response, reference }: Pick<RewardItem, 'response' | 'reference'>,
  { ignoreCase }: Pick<ComponentOf<'exact'>, 'ignoreCase'>,
): Outcome {
  const wanted = reference.trim();
  if (wanted === '') return notGradable('the row has no right answer');
  const given = response.trim();
  if (given === '') return wrong('empty answer');
  if (given === wanted) return right('equal');
  return ignoreCase && given.toLowerCase() === wanted.toLowerCase()
    ? right('equal but for capitals')
    : wrong('not equal to the answer');
}
