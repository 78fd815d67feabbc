/**
 * The mark in a judge's reply. Where several rules fit, the first one counts: a JSON object with a score; the last number
 * behind a word such as "Score:"; one share such as 7/10; a number or number word alone; the only number of the text.
 */
import { lastObjectWith, reasonOf, spokenPart, type ReadJudgement } from './read-reply.ts';

const scoreFields = ['score', 'mark', 'rating', 'grade'] as const;

const wordValues: ReadonlyMap<string, number> = new Map(
  ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'].map(
    (word, value) => [word, value],
  ),
);
const words = [...wordValues.keys()].join('|');
const number = String.raw`[-−]?\d{1,9}(?:[.,]\d{1,9})?`;
const value = `(${number}|${words})`;
const outOf = String.raw`(?:\s{0,3}(?:/|out of)\s{0,3}(${number}|${words}))?`;
const marks = '["*_`\'\\s]{0,6}';

/** `Score: 7`, `**Rating**: 7/10`, `"score": 7`, `Score (0-10): seven`, `score of 7`. */
const labelled = new RegExp(
  String.raw`\b(?:score|mark|rating|grade)\b${marks}(?:\([^)]{0,40}\)${marks})?(?:is|of|:|=|-|–|→)?${marks}${value}(?![\w%])${outOf}`,
  'gi',
);
const share = new RegExp(
  String.raw`(?<![\w.,/])${value}\s{0,3}(?:/|out of)\s{0,3}(${number}|${words})(?![\w/])`,
  'gi',
);
const alone = new RegExp(String.raw`^${marks}${value}${outOf}${marks}[.!]?${marks}$`, 'i');
const anyNumber = new RegExp(String.raw`(?<![\w.,])${number}(?![\w%])`, 'g');

/**
 * Reads the mark.
 * @param scale lowest and highest mark; a mark outside them is unreadable, never cut off
 */
export function readScore(reply: string, scale: readonly [number, number]): ReadJudgement<number> {
  const text = spokenPart(reply);
  if (text === null) return { unreadable: 'it holds no judgement, only thoughts or nothing at all' };
  const object = lastObjectWith(text, scoreFields);
  const reason = reasonOf(object, text);
  if (object !== null) {
    const field = scoreFields.find((name) => Object.hasOwn(object, name))!;
    const mark = fieldMark(object[field], scale);
    return mark === null ? { unreadable: `its field "${field}" holds no mark` } : within(mark, scale, reason);
  }
  const found = markInWords(text, scale);
  if (typeof found === 'string') return { unreadable: found };
  return within(found, scale, reason);
}

function markInWords(text: string, scale: readonly [number, number]): number | string {
  const last = [...text.matchAll(labelled)].at(-1);
  if (last?.[1] !== undefined) return shareMark(last[1], last[2], scale);
  const shares = [...text.matchAll(share)].map(([, mark = '', whole]) => shareMark(mark, whole, scale));
  if (shares.length > 0) return theOnly(shares, 'it names several marks');
  const lone = alone.exec(text);
  if (lone?.[1] !== undefined) return shareMark(lone[1], lone[2], scale);
  const numbers = [...text.matchAll(anyNumber)].map(([digits]) => parseMark(digits));
  if (numbers.length === 0) return 'it names no mark';
  return theOnly(numbers, 'it names several numbers and does not say which is the mark');
}

/** One value where all are the same. */
function theOnly(values: readonly (number | string)[], several: string): number | string {
  const [first = several] = values;
  return values.every((one) => one === first) ? first : several;
}

/** 7 of "7/10" on a scale that ends at 10; a share of something else cannot be read. */
function shareMark(
  mark: string,
  whole: string | undefined,
  [, high]: readonly [number, number],
): number | string {
  if (whole !== undefined && parseMark(whole) !== high)
    return `it gives ${mark} out of ${whole}, which is another scale`;
  return parseMark(mark);
}

function fieldMark(given: unknown, scale: readonly [number, number]): number | null {
  if (typeof given === 'number' && Number.isFinite(given)) return given;
  if (typeof given !== 'string') return null;
  const match = alone.exec(given.trim());
  if (match?.[1] === undefined) return null;
  const mark = shareMark(match[1], match[2], scale);
  return typeof mark === 'number' ? mark : null;
}

function parseMark(text: string): number {
  return wordValues.get(text.toLowerCase()) ?? Number(text.replace('−', '-').replace(',', '.'));
}

function within(mark: number, [low, high]: readonly [number, number], reason: string): ReadJudgement<number> {
  if (mark < low || mark > high) return { unreadable: `the mark ${mark} lies outside ${low} to ${high}` };
  return { verdict: mark, reason };
}
