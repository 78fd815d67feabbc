/**
 * Words as people count them: stretches between white space that hold a letter or digit, and each character of scripts
 * that are written without spaces (Chinese and Japanese).
 */
import { isAsciiLetter, isDigit, isSpace, isWordCharacter } from './characters.ts';

/** Ideographs and kana, of which each counts as a word. */
function standsAlone(code: number): boolean {
  if (code < 0x3041) return false;
  return (
    code <= 0x30ff ||
    (code >= 0x3400 && code <= 0x4dbf) ||
    (code >= 0x4e00 && code <= 0x9fff) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0x20000 && code <= 0x3ffff)
  );
}

/**
 * Calls `found` for each word with its place in the text, in order. Punctuation at a word's ends belongs to it.
 * @param found start and end, in UTF-16 units
 */
function eachWord(text: string, found: (start: number, end: number) => void): void {
  let start = -1;
  let counts = false;
  let i = 0;
  while (i < text.length) {
    const unit = text.charCodeAt(i);
    if (isSpace(unit)) {
      if (counts) found(start, i);
      start = -1;
      counts = false;
      i += 1;
      continue;
    }
    if (unit < 0x80) {
      if (start === -1) start = i;
      if (!counts) counts = isAsciiLetter(unit) || isDigit(unit);
      i += 1;
      continue;
    }
    const code = text.codePointAt(i) ?? unit;
    const width = code > 0xffff ? 2 : 1;
    if (standsAlone(code)) {
      if (counts) found(start, i);
      found(i, i + width);
      start = -1;
      counts = false;
    } else {
      if (start === -1) start = i;
      if (!counts) counts = isWordCharacter(code);
    }
    i += width;
  }
  if (counts) found(start, text.length);
}

/** Number of words of a text. */
export function countWords(text: string): number {
  let count = 0;
  eachWord(text, () => {
    count += 1;
  });
  return count;
}

/** The words of a text in order, with the punctuation that touches them. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  eachWord(text, (start, end) => words.push(text.slice(start, end)));
  return words;
}
