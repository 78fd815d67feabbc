/**
 * The reward `balance`: one sentence on a topic in which enough more words of one list occur than of the other. The rule
 * of each question (side, lead, topic, length) stands in its row.
 */
import type { ComponentOf } from '../contract/reward.ts';
import { columnValue } from '../datasets/column-path.ts';
import type { Outcome, RewardItem } from './outcome.ts';
import { notGradable, right, wrong } from './outcome.ts';

type BalanceReward = ComponentOf<'balance'>;

/** Longer answers are no sentence. */
const LONGEST = 10_000;

const known = new WeakMap<readonly string[], ReadonlySet<string>>();

function asSet(words: readonly string[]): ReadonlySet<string> {
  let set = known.get(words);
  if (set === undefined) {
    set = new Set(words.map((word) => word.toLowerCase()));
    known.set(words, set);
  }
  return set;
}

/** A whole number from a column, or from the setting itself. */
function numberOf(row: RewardItem['row'], setting: string): number | null {
  const value = columnValue(row, setting) ?? setting;
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && /^\s*\d{1,9}\s*$/.test(value)
        ? Number(value)
        : NaN;
  return Number.isFinite(number) ? number : null;
}

function sideOf(row: RewardItem['row'], setting: string): 'good' | 'bad' | null {
  const value = columnValue(row, setting) ?? setting;
  return value === 'good' || value === 'bad' ? value : null;
}

/** Whether a text is one sentence: a mark at its end and none, nor a line break, inside. */
function isOneSentence(text: string): boolean {
  return text.length <= LONGEST && /^[^.!?\n\r]+[.!?]$/.test(text);
}

/** 1 when the answer keeps to every rule of its row; not gradable when the row lacks one of them. */
export function scoreBalance(
  { response, row }: Pick<RewardItem, 'response' | 'row'>,
  component: BalanceReward,
): Outcome {
  const more = sideOf(row, component.more);
  if (more === null) return notGradable(`column “${component.more}” is neither good nor bad`);
  const margin = numberOf(row, component.margin);
  if (margin === null) return notGradable(`column “${component.margin}” holds no number`);
  const topic = component.topic === null ? null : columnValue(row, component.topic);
  if (topic !== null && (typeof topic !== 'string' || topic.trim() === ''))
    return notGradable(`column “${component.topic ?? ''}” holds no word`);
  const most = component.maxWords === null ? Infinity : numberOf(row, component.maxWords);
  if (most === null) return notGradable(`column “${component.maxWords ?? ''}” holds no number`);
  const text = response.trim();
  if (!isOneSentence(text)) return wrong('not exactly one sentence');
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  if (words.length > most) return wrong(`${words.length} words, more than ${most}`);
  const distinct = new Set(words);
  if (topic !== null && !distinct.has(topic.trim().toLowerCase()))
    return wrong(`“${topic.trim()}” is missing`);
  const good = asSet(component.good);
  const bad = asSet(component.bad);
  let goodCount = 0;
  let badCount = 0;
  for (const word of distinct) {
    if (good.has(word)) goodCount += 1;
    if (bad.has(word)) badCount += 1;
  }
  const counts = `${goodCount} good, ${badCount} bad`;
  const lead = more === 'good' ? goodCount - badCount : badCount - goodCount;
  return lead >= margin ? right(counts) : wrong(counts);
}
