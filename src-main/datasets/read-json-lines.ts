/** JSON lines → rows: one object a line, blank lines skipped, mistakes named by line. */
import { userError } from '../contract/errors.ts';
import { needsCare, parseJson } from './parse-json.ts';
import type { Json, OnWarning, Row } from './row.ts';
import { isObject } from './row.ts';
import type { TextPiece } from './text-pieces.ts';

/** Character code of `{`, with which almost every line begins. */
const OPENING = 0x7b;

/** A value as a row, or the error that says what it is instead. */
export function asRow(value: Json, where: string): Row {
  if (isObject(value)) return value;
  const kind = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
  throw userError('data-not-a-row', `Each row must be an object with named columns; here is ${kind}.`, {
    where,
    advice: 'Write each row like {"prompt": "…", "answer": "…"}.',
  });
}

/**
 * Reads rows in batches, one batch for each piece of text.
 * @throws EspalierError `data-json`, `data-not-a-row` or `data-too-deep`, with the line
 */
export async function* readJsonLines(
  pieces: AsyncIterable<TextPiece>,
  path: string,
  onWarning?: OnWarning,
): AsyncGenerator<Row[]> {
  const place = { path, firstLine: 1, onWarning, plain: false };
  for await (const { text, firstLine } of pieces) {
    place.plain = !needsCare(text);
    const rows: Row[] = [];
    let line = firstLine;
    for (let start = 0; start < text.length; line++) {
      const newline = text.indexOf('\n', start);
      const end = newline === -1 ? text.length : newline;
      const content = text.slice(start, end);
      start = end + 1;
      if (content.charCodeAt(0) !== OPENING && content.trim() === '') continue;
      place.firstLine = line;
      const value = parseJson(content, place);
      rows.push(isObject(value) ? value : asRow(value, `${path}, line ${line}`));
    }
    if (rows.length > 0) yield rows;
  }
}
