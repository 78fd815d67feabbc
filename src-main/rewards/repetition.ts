/** The reward `repetition`: the share of runs of words that were not there before. */
import type { ComponentOf } from '../contract/reward.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { wrong } from './outcome.ts';
import { wordsOf } from './words.ts';

/** A longer word counts as pieces, so that one letter repeated without end is repetition too. */
const LONGEST_WORD = 40;
const PIECE = 10;

function unitsOf(text: string): string[] {
  const words = wordsOf(text.toLowerCase());
  if (words.every((word) => word.length <= LONGEST_WORD)) return words;
  return words.flatMap((word) =>
    word.length <= LONGEST_WORD
      ? [word]
      : Array.from({ length: Math.ceil(word.length / PIECE) }, (_, i) =>
          word.slice(i * PIECE, (i + 1) * PIECE),
        ),
  );
}

/** Number for each member, equal for equal ones, in the order of first appearance. */
function numbered<T>(members: readonly T[]): { ids: number[]; distinct: number } {
  const known = new Map<T, number>();
  const ids = members.map((member) => {
    const present = known.get(member);
    if (present !== undefined) return present;
    known.set(member, known.size);
    return known.size - 1;
  });
  return { ids, distinct: known.size };
}

/** Number of different runs of `size` members; runs twice as long are made of two shorter ones, so the time is n log size. */
function distinctRuns(words: readonly string[], size: number): number {
  let { ids, distinct } = numbered(words);
  for (let length = 1; length < size;) {
    const step = Math.min(length, size - length);
    const pairs: number[] = [];
    for (let i = 0; i + step < ids.length; i++) pairs.push(ids[i]! * distinct + ids[i + step]!);
    ({ ids, distinct } = numbered(pairs));
    length += step;
  }
  return distinct;
}

/** 1 when no run of `size` words occurs twice; the share of different runs otherwise. Short answers have none: 1. */
export function scoreRepetition(
  { response }: Pick<RewardItem, 'response'>,
  { size }: Pick<ComponentOf<'repetition'>, 'size'>,
): Outcome {
  const words = unitsOf(response);
  if (words.length === 0) return wrong('no words');
  const runs = words.length - size + 1;
  if (runs <= 1) return { value: 1, reason: 'too short to repeat' };
  const distinct = distinctRuns(words, size);
  const repeated = runs - distinct;
  return {
    value: distinct / runs,
    reason: repeated === 0 ? 'no repetition' : `${repeated} of ${runs} runs of ${size} words repeated`,
  };
}
