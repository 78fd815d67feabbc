/**
 * Number of sentences: stretches that end in a full stop, question or exclamation mark (or their kin of other scripts)
 * before white space or the end, abbreviations, initials and numbers of lists aside.
 */
import { isAsciiLetter, isDigit, isSpace } from './characters.ts';

/** Abbreviations that a name or another word follows. */
const BEFORE_WORDS = new Set(
  'mr mrs ms dr prof st vs e.g i.e no vol fig al approx est gen col lt sgt rev hon gov'.split(' '),
);
/** Abbreviations that may end a sentence: they do when a small letter does not go on. */
const ANYWHERE = new Set(
  'etc inc ltd co corp dept sr jr u.s u.k ph.d a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec'.split(
    ' ',
  ),
);
/** Marks of a postscript, which begin one. */
const POSTSCRIPT = new Set(['p.s', 'p.p.s']);
/** Closing quotes and brackets that may stand between the mark and the space. */
const CLOSERS = '"\'”’)]}»*_';
/** Full stops of scripts that put no space behind them. */
const OTHER_STOPS = '。！？｡';
/** Full stops of other scripts that stand before a space. */
const SPACED_STOPS = '।॥؟۔';

const SMALL = /\p{Ll}/u;

/** Whether the next word begins with a small letter. */
function goesOn(text: string, after: number): boolean {
  let next = after;
  while (next < text.length && isSpace(text.charCodeAt(next))) next++;
  return SMALL.test(text.charAt(next));
}

function isNumber(word: string): boolean {
  for (const character of word) if (!isDigit(character.charCodeAt(0))) return false;
  return true;
}

/**
 * Whether the full stop at `at` belongs to an abbreviation, an initial or the number of a list.
 * @param after behind the stop and what closes there
 */
function endsNothing(text: string, at: number, after: number, numbersEnd: boolean): boolean {
  let start = at;
  while (start > 0 && at - start < 24 && !isSpace(text.charCodeAt(start - 1))) start--;
  const word = text
    .slice(start, at)
    .replace(/^[("'“‘[*_]+/, '')
    .toLowerCase();
  // An ellipsis; or a mark alone.
  if (word === '' || word.endsWith('.')) return goesOn(text, after);
  if (word.length === 1 && isAsciiLetter(word.charCodeAt(0)) && text[at - 1] !== 'I') return true;
  if (BEFORE_WORDS.has(word)) return true;
  if (ANYWHERE.has(word)) return goesOn(text, after);
  if (POSTSCRIPT.has(word)) return !numbersEnd;
  // Initials written together, as in “J.K. Rowling”.
  if (/^[a-z](?:\.[a-z])+$/.test(word)) return true;
  if (!isNumber(word)) return false;
  if (numbersEnd || word.length > 3) return goesOn(text, after);
  // The number of a list stands at the start of its line.
  let before = start;
  while (before > 0 && (text[before - 1] === ' ' || text[before - 1] === '\t')) before--;
  return before === 0 || text[before - 1] === '\n' || goesOn(text, after);
}

/**
 * Counts sentences; text behind the last mark counts as one more.
 * @param numbersEnd whether the number of a list (“1. First”) and “P.S.” are sentences of their own, as IFEval counts
 */
export function countSentences(text: string, numbersEnd = false): number {
  let count = 0;
  let open = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? '';
    const unit = character.charCodeAt(0);
    if (OTHER_STOPS.includes(character) && unit > 0x7f) {
      if (open) count += 1;
      open = false;
      continue;
    }
    const spaced = unit > 0x7f && SPACED_STOPS.includes(character);
    if (unit !== 0x2e && unit !== 0x21 && unit !== 0x3f && !spaced) {
      if (!open && !isSpace(unit) && (unit > 0x7f || isAsciiLetter(unit) || isDigit(unit))) open = true;
      continue;
    }
    let after = i + 1;
    while (after < text.length && CLOSERS.includes(text[after] ?? ' ')) after++;
    if (after < text.length && !isSpace(text.charCodeAt(after))) continue;
    if (unit === 0x2e && after < text.length && endsNothing(text, i, after, numbersEnd)) continue;
    if (open) count += 1;
    open = false;
  }
  return open ? count + 1 : count;
}
