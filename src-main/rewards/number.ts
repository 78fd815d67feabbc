/** The reward `number`: the value of the answer is that of the right one, however either is written. */
import type { ComponentOf } from '../contract/reward.ts';
import type { FoundNumber } from './number-text.ts';
import { asShare, finalNumber, numberBehind, parseWholeNumber } from './number-text.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { notGradable, right, wrong } from './outcome.ts';
import type { Rational } from './rational.ts';
import { equal, fromNumber, within } from './rational.ts';

export type NumberReward = ComponentOf<'number'>;

/** @param mark text before the number; null where none is looked for */
function referenceNumber(reference: string, mark: string | null): FoundNumber | undefined {
  const marked = mark === null ? undefined : numberBehind(reference, mark);
  if (marked !== undefined) return marked === 'unreadable' ? undefined : marked;
  const value = parseWholeNumber(reference);
  if (value !== undefined) return { value, percent: false };
  const found = finalNumber(reference);
  return found === 'unreadable' ? undefined : found;
}

function close(given: Rational, wanted: Rational, tolerance: number): boolean {
  if (tolerance === 0) return equal(given, wanted);
  const limit = fromNumber(tolerance);
  return limit === undefined ? equal(given, wanted) : within(given, wanted, limit);
}

/** 50 % equals 50 and 0.5: which one the question means, the reference alone cannot say. */
function sameValue(given: FoundNumber, wanted: FoundNumber, tolerance: number): boolean {
  if (close(given.value, wanted.value, tolerance)) return true;
  if (given.percent === wanted.percent) return false;
  return given.percent
    ? close(asShare(given.value), wanted.value, tolerance)
    : close(given.value, asShare(wanted.value), tolerance);
}

/** 1 when the answer's number equals the reference's; not gradable when the reference holds no number. */
export function scoreNumber(
  { response, reference }: Pick<RewardItem, 'response' | 'reference'>,
  { find, mark, tolerance }: Pick<NumberReward, 'find' | 'mark' | 'tolerance'>,
): Outcome {
  if (reference.trim() === '') return notGradable('the row has no right answer');
  const wanted = referenceNumber(reference, find === 'marked' ? mark : null);
  if (wanted === undefined) return notGradable('the right answer of the row holds no number');
  if (find === 'whole') {
    const value = parseWholeNumber(response);
    if (value === undefined) return wrong('not a number alone');
    return sameValue({ value, percent: false }, wanted, tolerance)
      ? right('right number')
      : wrong('wrong number');
  }
  if (find === 'marked' && !response.includes(mark)) return wrong(`the mark “${mark}” is missing`);
  const given = find === 'marked' ? numberBehind(response, mark) : finalNumber(response);
  if (given === undefined)
    return wrong(find === 'marked' ? 'no number behind the mark' : 'no number in the answer');
  if (given === 'unreadable') return wrong('the number cannot be read');
  return sameValue(given, wanted, tolerance) ? right('right number') : wrong('wrong number');
}
