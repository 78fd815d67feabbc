/** Words as the instruction checks count them, and words and texts in capital or small letters. */
import { isAsciiLetter, isDigit, isSpace } from './characters.ts';

const ALPHANUMERIC = /[\p{L}\p{N}]/u;
const UPPER = /\p{Uppercase}/u;
const LOWER = /\p{Lowercase}/u;
/** Has small letters or title-case digraphs. */
const NOT_UPPER = /[\p{Lowercase}\p{Lt}]/u;
const NOT_LOWER = /[\p{Uppercase}\p{Lt}]/u;

/** Runs of letters, digits and underscores; marks of scripts such as Devanagari end a run. */
export function countWordTokens(text: string): number {
  let count = 0;
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    if (code > 0xffff) i += 1;
    const part =
      code < 0x80
        ? isAsciiLetter(code) || isDigit(code) || code === 0x5f
        : ALPHANUMERIC.test(String.fromCodePoint(code));
    if (part && !inside) count += 1;
    inside = part;
  }
  return count;
}

/** Whether a text has capital letters and no small ones. */
export function isUpperCase(text: string): boolean {
  return UPPER.test(text) && !NOT_UPPER.test(text);
}

/** Whether a text has small letters and no capital ones. */
export function isLowerCase(text: string): boolean {
  return LOWER.test(text) && !NOT_LOWER.test(text);
}

/** Punctuation that is a word of its own wherever it stands. */
const SEPARATE = ';@#$%&?!()[]{}<>"“”‘…';

/**
 * Number of words all in capital letters. Hyphenated words are one; contractions and possessives are two, as in the Penn
 * Treebank: “NASA's” has one word in capitals, “DON'T” has two.
 */
export function countUpperCase(text: string): number {
  let count = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const unit = text.charCodeAt(i);
    // Commas and colons stay inside numbers and times.
    const pause = (unit === 0x2c || unit === 0x3a) && !isDigit(text.charCodeAt(i + 1));
    const ends = i === text.length || pause || isSpace(unit) || SEPARATE.includes(text[i] ?? ' ');
    const dashes = !ends && text[i] === '-' && text[i + 1] === '-';
    if (!ends && !dashes) continue;
    if (i > start) count += upperParts(text.slice(start, i));
    start = dashes ? i + 2 : i + 1;
    if (dashes) i += 1;
  }
  return count;
}

const CONTRACTION = /(?:'(?:s|m|d|ll|re|ve)|n't)$/i;

function upperParts(word: string): number {
  const contraction = word.includes("'") ? CONTRACTION.exec(word) : null;
  if (contraction === null || contraction.index === 0) return isUpperCase(word) ? 1 : 0;
  return (isUpperCase(word.slice(0, contraction.index)) ? 1 : 0) + (isUpperCase(contraction[0]) ? 1 : 0);
}
