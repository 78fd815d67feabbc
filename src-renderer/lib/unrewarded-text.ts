/** Why an answer has no reward, in a word or two. */
import type { SampleRow } from '../../src-main/contract/calls.ts';

/** An answer that was cut off and whose every component has a value was left out by the reward, not by a grader that failed. */
export function unrewardedText({ finish, components }: Pick<SampleRow, 'finish' | 'components'>): string {
  const leftOut = finish === 'length' && components.every(({ value }) => value !== null);
  return leftOut ? 'left out' : 'not graded';
}
