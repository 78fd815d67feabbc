/**
 * Numbers as people and models write them → exact fractions: signs, thousands separators, decimals, fractions,
 * LaTeX, percent and currency. Everything runs in time linear in the length of the text.
 */
import type { Rational } from './rational.ts';
import { add, decimal, divide, multiply, negate } from './rational.ts';

/** A number found in a text. */
export interface FoundNumber {
  readonly value: Rational;
  /** Whether a percent sign follows it. */
  readonly percent: boolean;
}

/** A number that cannot be read (0 in a denominator, too many digits) although one stands there. */
export type Unreadable = 'unreadable';

const STRICT = /^([+-]?)(?:(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?|\.(\d+))$/;

/** A text that is one number and nothing else (sign, thousands commas, decimals), trimmed; undefined for any other. */
export function parseWholeNumber(text: string): Rational | undefined {
  const match = STRICT.exec(text.trim());
  if (match === null) return undefined;
  return decimal(match[1] === '-', (match[2] ?? '').replaceAll(',', ''), match[3] ?? match[4] ?? '');
}

const MINUS = /[\u2212\u2010-\u2013\uFE63\uFF0D]/g;
/** Spaces and marks that only ever stand between groups of three digits: no-break and thin spaces, `\,`, `{,}`, `'`. */
const GROUP_MARK = /(?<=\d)(?:[\u00A0\u2009\u202F'\u2019]|\\[,!]|\{,\})(?=\d{3})/g;

/** One writing for each sign and separator. */
function normalize(text: string): string {
  return text
    .replace(MINUS, '-')
    .replace(GROUP_MARK, ',')
    .replace(/\\[dt]frac/g, '\\frac')
    .replace(/\\(?:%|percent)/g, '%')
    .replace(/\\[$]/g, '$')
    .replace(/\\(?:left|right|displaystyle|[;:! ])/g, '');
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isLetter = (code: number): boolean => (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);

const isSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d);

/** How far before the last digit its number can begin, signs, currency and fraction included. */
const WINDOW = 120;
/** Letters that may stand directly before a number: currencies. */
const CURRENCY = /(?:^|[^A-Za-z])(?:US|USD|EUR|GBP|CHF|CAD|AUD|INR|Rs|RM|R)$/;

/** The run of digits (with commas and points between them) that starts at `at`. */
function runEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length) {
    const code = text.charCodeAt(end);
    if (isDigit(code)) end += 1;
    else if ((code === 0x2c || code === 0x2e) && isDigit(text.charCodeAt(end + 1))) end += 1;
    else break;
  }
  return end;
}

/** A run of digits, commas and points: grouped in threes, plain, or (`1,2,5`) the last member of a list. */
function parseRun(run: string): { integer: string; fraction: string; start: number } | undefined {
  if (/^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(run)) {
    const [integer = '', fraction = ''] = run.replaceAll(',', '').split('.');
    return { integer, fraction, start: 0 };
  }
  const start = run.lastIndexOf(',') + 1;
  const match = /^(\d*)(?:\.(\d+))?$/.exec(run.slice(start));
  return match === null ? undefined : { integer: match[1] ?? '', fraction: match[2] ?? '', start };
}

/** A stretch of text read as a number; `value` undefined when it cannot be compared. */
interface Token {
  readonly value: Rational | undefined;
  readonly start: number;
  readonly end: number;
}

const FRACTION = /-?\\frac\s?(?:\{\s?(-?)(\d+)\s?\}|(\d))\s?(?:\{\s?(-?)(\d+)\s?\}|(\d))/y;
const SLASH = /(\d+)\s?\/\s?(\d+)(?![\d/]|\s?\/)/y;
const EXPONENT =
  /(?:[eE]([+-]?\d{1,3})(?![\d.A-Za-z])|\s?(?:\u00D7|\\times|\\cdot|\*|x)\s?10\^\{?(-?\d{1,3})(?!\d)\}?)/y;
const PERCENT = /\s?(?:%|per ?cent\b)/y;

function sticky(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

const CURRENCY_SIGNS = '$€£¥₹';

/** The sign before the digit at `at`, or `name` when letters stand there, as in H2O. */
function signBefore(text: string, at: number): '+' | '-' | 'name' {
  let i = at - 1;
  if (i >= 0 && CURRENCY_SIGNS.includes(text[i] ?? ' ')) i -= 1;
  const before = text.charCodeAt(i - 1);
  // Between two values a minus is an operation (10-3), not a sign.
  const afterValue =
    isDigit(before) || isLetter(before) || before === 0x29 || before === 0x5d || before === 0x7d;
  if (text[i] === '-') return afterValue ? '+' : '-';
  const attached = isLetter(text.charCodeAt(i)) || (text[i] === '_' && afterValue);
  return i === at - 1 && attached && !CURRENCY.test(text.slice(Math.max(0, at - 6), at)) ? 'name' : '+';
}

function fractionAt(text: string, at: number): Token | undefined {
  const match = sticky(FRACTION, text, at);
  if (match === null) return undefined;
  const top = decimal(match[1] === '-', match[2] ?? match[3] ?? '', '');
  const bottom = decimal(match[4] === '-', match[5] ?? match[6] ?? '', '');
  const quotient = top === undefined || bottom === undefined ? undefined : divide(top, bottom);
  const value = quotient !== undefined && match[0].startsWith('-') ? negate(quotient) : quotient;
  return { value, start: at, end: at + match[0].length };
}

/** The number whose first digit (or leading point) is at `at`; a position to go on from where it is none. */
function numberAt(text: string, at: number): Token | number {
  const leadingPoint = text[at] === '.';
  const end = runEnd(text, leadingPoint ? at + 1 : at);
  const run = parseRun(leadingPoint ? `0${text.slice(at, end)}` : text.slice(at, end));
  if (run === undefined) return end;
  const start = at + run.start;
  const sign = signBefore(text, start);
  if (sign === 'name') return end;
  const plain = !leadingPoint && run.fraction === '' && run.start === 0;
  const slash = plain && text[at - 1] !== '/' ? sticky(SLASH, text, at) : null;
  if (slash !== null) {
    const [top, bottom] = [decimal(sign === '-', slash[1] ?? '', ''), decimal(false, slash[2] ?? '', '')];
    const value = top === undefined || bottom === undefined ? undefined : divide(top, bottom);
    return { value, start, end: at + slash[0].length };
  }
  const exponent = sticky(EXPONENT, text, end);
  const value = decimal(sign === '-', run.integer, run.fraction, Number(exponent?.[1] ?? exponent?.[2] ?? 0));
  return { value, start, end: end + (exponent?.[0].length ?? 0) };
}

/** The value of two neighbouring tokens that are one mixed number, such as `1 3/4` or `1\frac{3}{4}`. */
function mixedValue(text: string, first: Token | undefined, second: Token): Rational | undefined {
  if (first?.value === undefined || second.value === undefined || first.value.denominator !== 1n)
    return undefined;
  if (second.value.numerator <= 0n || second.value.numerator >= second.value.denominator) return undefined;
  const latex = text.startsWith('\\frac', second.start);
  const between = text.slice(first.end, second.start);
  const together =
    between === ' ' ? latex || text.slice(second.start, second.end).includes('/') : between === '' && latex;
  if (!together) return undefined;
  return add(first.value, first.value.numerator < 0n ? negate(second.value) : second.value);
}

/** Reads a normalized text from left to right and keeps the last number. */
function scan(text: string): FoundNumber | Unreadable | undefined {
  let last: FoundNumber | Unreadable | undefined;
  let previous: Token | undefined;
  for (let i = 0; i < text.length;) {
    const code = text.charCodeAt(i);
    const point = code === 0x2e && isDigit(text.charCodeAt(i + 1)) && !isLetter(text.charCodeAt(i - 1));
    const latex =
      (code === 0x5c && text.startsWith('\\frac', i)) || (code === 0x2d && text.startsWith('\\frac', i + 1));
    const found = latex ? fractionAt(text, i) : point || isDigit(code) ? numberAt(text, i) : undefined;
    if (found === undefined || typeof found === 'number') {
      i = found ?? i + 1;
      continue;
    }
    const joined = mixedValue(text, previous, found);
    const value = joined ?? found.value;
    last = value === undefined ? 'unreadable' : { value, percent: sticky(PERCENT, text, found.end) !== null };
    previous = joined === undefined ? found : undefined;
    i = found.end;
  }
  return last;
}

/** The last number of a text; `unreadable` when the last one is none that can be compared; undefined without any. */
export function lastNumber(text: string): FoundNumber | Unreadable | undefined {
  let digit = text.length - 1;
  while (digit >= 0 && !isDigit(text.charCodeAt(digit))) digit--;
  if (digit < 0) return undefined;
  // The number that holds the last digit begins a little before it, at a space; a long run of digits has none.
  let from = Math.max(0, digit - WINDOW);
  while (from > 0 && !isSpace(text.charCodeAt(from - 1))) from--;
  const found = scan(normalize(text.slice(from, digit + 1 + 40)));
  if (found !== undefined || from === 0) return found;
  // The digits near the end belong to names such as H2O or to version numbers: look at the whole text.
  return scan(normalize(text));
}

/** Content of the last closed `\boxed{…}` of a text, or undefined. */
export function lastBoxed(text: string): string | undefined {
  for (
    let at = text.lastIndexOf('\\boxed');
    at !== -1;
    at = at === 0 ? -1 : text.lastIndexOf('\\boxed', at - 1)
  ) {
    const open = /^\s?\{/.exec(text.slice(at + 6, at + 8));
    if (open === null) continue;
    const start = at + 6 + open[0].length;
    let depth = 1;
    for (let i = start; i < text.length; i++) {
      const character = text[i];
      if (character === '{') depth += 1;
      else if (character === '}') depth -= 1;
      if (depth === 0) return text.slice(start, i);
    }
    return undefined;
  }
  return undefined;
}

/** The number that a text gives as its answer: in the last `\boxed{…}`, else behind the last `####`, else the last one. */
export function finalNumber(text: string): FoundNumber | Unreadable | undefined {
  const boxed = lastBoxed(text);
  if (boxed !== undefined) return lastNumber(boxed);
  return text.includes('####') ? numberBehind(text, '####') : lastNumber(text);
}

/** The last number of the line behind the last place of a mark; undefined where the mark or the number is missing. */
export function numberBehind(text: string, mark: string): FoundNumber | Unreadable | undefined {
  const at = text.lastIndexOf(mark);
  if (at === -1) return undefined;
  const rest = text.slice(at + mark.length).trimStart();
  const newline = rest.indexOf('\n');
  return lastNumber(newline === -1 ? rest : rest.slice(0, newline));
}

/** A percentage as the share that it stands for. */
export function asShare(value: Rational): Rational {
  return multiply(value, { numerator: 1n, denominator: 100n });
}
