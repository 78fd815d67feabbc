/** Classes of characters, by code point: fast for ASCII, by Unicode property for the rest. */

const WORD = /[\p{L}\p{M}\p{N}_]/u;
const LETTER = /\p{L}/u;

/** Whether a code point is an ASCII digit. */
export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Whether a code point is an ASCII letter. */
export const isAsciiLetter = (code: number): boolean => {
  const small = code | 0x20;
  return small >= 0x61 && small <= 0x7a;
};

/** Whether a code point is part of a word: letter, mark, digit or underscore. */
export function isWordCharacter(code: number): boolean {
  if (code < 0x80) return isAsciiLetter(code) || isDigit(code) || code === 0x5f;
  return WORD.test(String.fromCodePoint(code));
}

/** Whether a code point is a letter of any script. */
export function isLetter(code: number): boolean {
  return code < 0x80 ? isAsciiLetter(code) : LETTER.test(String.fromCodePoint(code));
}

/** Whether a UTF-16 unit is white space, line breaks included; the same set that `trim` cuts. */
export function isSpace(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
  if (unit < 0xa0) return false;
  return (
    unit === 0xa0 ||
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000 ||
    unit === 0xfeff
  );
}

/** The code point that ends before `index`; −1 at the start of the text. */
export function codePointBefore(text: string, index: number): number {
  if (index <= 0) return -1;
  const unit = text.charCodeAt(index - 1);
  const low = unit >= 0xdc00 && unit <= 0xdfff;
  if (!low || index === 1) return unit;
  const pair = text.codePointAt(index - 2) ?? unit;
  return pair > 0xffff ? pair : unit;
}

/** Whether the part of a text from `start` to `end` is bounded by no word character on either side. */
export function isWholeWord(text: string, start: number, end: number): boolean {
  const before = codePointBefore(text, start);
  if (before >= 0 && isWordCharacter(before)) return false;
  const after = text.codePointAt(end);
  return after === undefined || !isWordCharacter(after);
}

/** Number of characters (code points) of a text. */
export function countCharacters(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdbff) continue;
    const next = text.charCodeAt(i + 1);
    if (next < 0xdc00 || next > 0xdfff) continue;
    count -= 1;
    i += 1;
  }
  return count;
}
