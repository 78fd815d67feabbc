/** JSON text → value, with the line of a mistake, exact big integers, storable strings and bounded depth. */
import { userError } from '../contract/errors.ts';
import { findJsonProblem } from './json-problem.ts';
import type { Json, OnWarning } from './row.ts';

/** Deepest nesting of lists and objects that is read; deeper rows would overflow what walks them later. */
export const DEEPEST = 200;

export interface JsonPlace {
  readonly path: string;
  /** Physical line (from 1) of the first character. */
  readonly firstLine: number;
  readonly onWarning?: OnWarning | undefined;
  /** Whether `needsCare` has been asked of a text around this one, and said no. */
  readonly plain?: boolean;
}

/** Physical line and column (both from 1) of an offset in a text that begins on `firstLine`. */
export function lineAndColumn(
  text: string,
  offset: number,
  firstLine: number,
): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lastBreak = before.lastIndexOf('\n');
  return { line: firstLine + before.split('\n').length - 1, column: offset - lastBreak };
}

/** Whether a text nests too deep, without parsing it. */
function tooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > DEEPEST) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

/** Whether a double does not give the digits of a whole number back. */
function losesDigits(source: string, value: number): boolean {
  return /^-?\d+$/.test(source) && !Number.isSafeInteger(value) && String(value) !== source;
}

/** Keeps digits that a double cannot hold, and makes every string one that UTF-8 can store. */
function parseCarefully(text: string, place: JsonPlace): Json {
  let rounded = false;
  let halves = false;
  // The third argument of a reviver (the source text of a number) is newer than the type declarations.
  const revive = (_name: string, value: unknown, context?: { source?: string }): unknown => {
    const source = context?.source;
    if (typeof value === 'number' && source !== undefined && losesDigits(source, value)) {
      rounded = true;
      return source;
    }
    if (typeof value === 'string' && !value.isWellFormed()) {
      halves = true;
      return value.toWellFormed();
    }
    return value;
  };
  // What JSON.parse gives is Json by definition; the reviver puts in strings only.
  const value = JSON.parse(text, revive) as Json;
  if (rounded) {
    place.onWarning?.(
      `${place.path}, line ${place.firstLine}: whole numbers beyond 2^53 that would lose digits are kept as text.`,
    );
  }
  if (halves) {
    place.onWarning?.(
      `${place.path}, line ${place.firstLine}: half of a surrogate pair cannot be stored; it became U+FFFD.`,
    );
  }
  return value;
}

/** Whether a text opens more lists and objects than may lie inside each other; most texts open few. */
function opensMany(text: string): boolean {
  let opened = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      opened += 1;
      if (opened > DEEPEST) return true;
    }
  }
  return false;
}

const LONG_NUMBER = /[:,[]\s*-?\d{16}/;
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/**
 * Whether a text may hold numbers or strings that JSON.parse alone would not keep exactly. To be asked of many rows at
 * once: most texts hold none, and asking costs a sixth of parsing.
 */
export function needsCare(text: string): boolean {
  return LONG_NUMBER.test(text) || (text.includes('\\u') && SURROGATE_ESCAPE.test(text));
}

function deepError(place: JsonPlace): Error {
  return userError('data-too-deep', `A value is nested more than ${DEEPEST} levels deep.`, {
    where: `${place.path}, line ${place.firstLine}`,
    advice: 'Remove the row, or flatten it.',
  });
}

/**
 * Parses one JSON value.
 * @throws EspalierError `data-json` with line, column and reason, or `data-too-deep`
 */
export function parseJson(text: string, place: JsonPlace): Json {
  if (text.length > 2 * DEEPEST && opensMany(text) && tooDeep(text)) throw deepError(place);
  try {
    if (place.plain !== true && needsCare(text)) return parseCarefully(text, place);
    // What JSON.parse gives is Json by definition.
    return JSON.parse(text) as Json;
  } catch (error) {
    const problem = findJsonProblem(text);
    if (problem === undefined) throw error;
    const { line, column } = lineAndColumn(text, problem.offset, place.firstLine);
    throw userError('data-json', `This is not valid JSON: ${problem.hint}.`, {
      where: `${place.path}, line ${line}, column ${column}`,
      advice: 'Correct that line, or write the file again with a JSON library.',
      cause: error,
    });
  }
}
