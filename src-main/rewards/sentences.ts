/**
 * Number of sentences: stretches that end in a full stop, question or exclamation mark (or their kin of other scripts)
 * before white space or the end, abbreviations, initials and numbers of lists aside.
 */
import { codePointBefore, isAsciiLetter, isDigit, isSpace } from './characters.ts';

const ABBREVIATIONS = new Set(
  'mr mrs ms dr prof st sr jr vs etc e.g i.e inc ltd co corp no vol fig al approx dept est u.s u.k p.s p.p.s ph.d a.m p.m gen col lt sgt rev hon gov jan feb mar apr jun jul aug sep sept oct nov dec'.split(
    ' ',
  ),
);
/** Closing quotes and brackets that may stand between the mark and the space. */
const CLOSERS = '"\'”’)]}»*_';
/** Full stops of scripts that put no space behind them. */
const OTHER_STOPS = '。！？｡';
/** Full stops of other scripts that stand before a space. */
const SPACED_STOPS = '।॥؟۔';

/** Whether the full stop at `at` belongs to an abbreviation, an initial or the number of a list. */
function endsNothing(text: string, at: number): boolean {
  let start = at;
  while (start > 0 && at - start < 24 && !isSpace(text.charCodeAt(start - 1))) start--;
  const word = text.slice(start, at).replace(/^[("'“‘[*_]+/, '');
  if (word === '') return false;
  if (word.length === 1 && isAsciiLetter(word.charCodeAt(0)) && word !== 'I') return true;
  if (ABBREVIATIONS.has(word.toLowerCase())) return true;
  // The number of a list stands at the start of its line.
  if (word.length > 3) return false;
  for (const character of word) if (!isDigit(character.charCodeAt(0))) return false;
  let before = start;
  while (before > 0 && (text[before - 1] === ' ' || text[before - 1] === '\t')) before--;
  return before === 0 || text[before - 1] === '\n';
}

/** Counts sentences; text behind the last mark counts as one more. */
export function countSentences(text: string): number {
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
    const ends = after >= text.length || isSpace(text.charCodeAt(after));
    if (
      !ends ||
      (unit === 0x2e && codePointBefore(text, i) !== 0x2e && after < text.length && endsNothing(text, i))
    )
      continue;
    if (open) count += 1;
    open = false;
  }
  return open ? count + 1 : count;
}
