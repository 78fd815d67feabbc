/** The reward `similarity`: how much of the right answer the answer shares, in words (ROUGE-L) or in characters. */
import type { ComponentOf } from '../contract/reward.ts';
import { commonSubsequence } from './common-subsequence.ts';
import { editDistance } from './edit-distance.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { notGradable, wrong } from './outcome.ts';

/** Most words of either text that are compared; further ones count as not shared. */
export const MOST_WORDS = 4096;
/** Most characters of either text that are compared; further ones count as to be changed. */
export const MOST_CHARACTERS = 8192;

/** Words as the package rouge-score reads them: runs of a to z and 0 to 9 after lower-casing, no stemming. */
export function rougeWords(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** Words as numbers, the same for both texts. */
function asIds(words: readonly string[], ids: Map<string, number>): number[] {
  const list: number[] = [];
  for (const word of words) {
    let id = ids.get(word);
    if (id === undefined) {
      id = ids.size;
      ids.set(word, id);
    }
    list.push(id);
  }
  return list;
}

/** F1 of ROUGE-L (Lin 2004): the longest common subsequence of words against the length of either text. */
export function rougeL(reference: string, response: string): number {
  const wanted = rougeWords(reference);
  const given = rougeWords(response);
  if (wanted.length === 0 || given.length === 0) return 0;
  const ids = new Map<string, number>();
  const shared = commonSubsequence(
    asIds(wanted.slice(0, MOST_WORDS), ids),
    asIds(given.slice(0, MOST_WORDS), ids),
  );
  if (shared === 0) return 0;
  const precision = shared / given.length;
  const recall = shared / wanted.length;
  return (2 * precision * recall) / (precision + recall);
}

function characters(text: string): { readonly codes: ArrayLike<number>; readonly length: number } {
  // Pairs of units that are one character must be one member.
  const codes: number[] = [];
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    if (code > 0xffff) i += 1;
    if (length < MOST_CHARACTERS) codes.push(code);
    length += 1;
  }
  return { codes, length };
}

/** 1 less the share of characters that must change; 1 for equal texts, 0 for texts without anything in common. */
export function editSimilarity(reference: string, response: string): number {
  const wanted = characters(reference.trim());
  const given = characters(response.trim());
  const longest = Math.max(wanted.length, given.length);
  if (longest === 0) return 1;
  const rest = Math.max(wanted.length, given.length, MOST_CHARACTERS) - MOST_CHARACTERS;
  const distance = Math.min(longest, editDistance(wanted.codes, given.codes) + rest);
  return 1 - distance / longest;
}

const percent = (value: number): string => `${Math.round(value * 100)} %`;

/** From 0 to 1; not gradable without a reference that the measure can read. */
export function scoreSimilarity(
  { response, reference }: Pick<RewardItem, 'response' | 'reference'>,
  { measure }: Pick<ComponentOf<'similarity'>, 'measure'>,
): Outcome {
  if (reference.trim() === '') return notGradable('the row has no right answer');
  if (measure === 'rouge-l' && !/[a-z0-9]/i.test(reference))
    return notGradable('the right answer has no Latin letters or digits, the only ones that ROUGE-L reads');
  if (response.trim() === '') return wrong('empty answer');
  const value = measure === 'rouge-l' ? rougeL(reference, response) : editSimilarity(reference, response);
  return { value, reason: `${percent(value)} alike` };
}
