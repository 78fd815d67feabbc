/** The reward `length`: the answer is neither too short nor too long. */
import type { ComponentOf } from '../contract/reward.ts';
import { countCharacters } from './characters.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { notGradable } from './outcome.ts';
import { countSentences } from './sentences.ts';
import { countWords } from './words.ts';

type LengthReward = ComponentOf<'length'>;

function measure(
  { response, tokens }: Pick<RewardItem, 'response' | 'tokens'>,
  unit: LengthReward['unit'],
): number | null {
  switch (unit) {
    case 'characters':
      return countCharacters(response.trim());
    case 'words':
      return countWords(response);
    case 'sentences':
      return countSentences(response);
    case 'tokens':
      return tokens;
  }
}

/** 1 inside the band; outside it the value falls to 0 over the margin. Not gradable in tokens where none were counted. */
export function scoreLength(
  item: Pick<RewardItem, 'response' | 'tokens'>,
  { unit, min, max, margin }: Pick<LengthReward, 'unit' | 'min' | 'max' | 'margin'>,
): Outcome {
  const length = measure(item, unit);
  if (length === null) return notGradable('the tokens of the answer were not counted');
  const counted = `${length} ${length === 1 ? unit.slice(0, -1) : unit}`;
  const outside = length < min ? min - length : max !== undefined && length > max ? length - max : 0;
  if (outside === 0) return { value: 1, reason: counted };
  const value = margin === 0 ? 0 : Math.max(0, 1 - outside / margin);
  return { value, reason: `${counted}, ${length < min ? `fewer than ${min}` : `more than ${max ?? 0}`}` };
}
