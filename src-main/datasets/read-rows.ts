/** Any readable data file → rows, streamed. What the file is, its content says; its name only breaks ties. */
import { extname } from 'node:path';
import { userError } from '../contract/errors.ts';
import { byteChunks, emptyFile } from './byte-chunks.ts';
import { READABLE } from './file-kind.ts';
import type { CsvOptions } from './read-csv.ts';
import { guessDelimiter, readCsv } from './read-csv.ts';
import { readJsonArray, readJsonObject } from './read-json.ts';
import { readJsonLines } from './read-json-lines.ts';
import type { OnWarning, Row } from './row.ts';
import type { TextPiece } from './text-pieces.ts';
import { textPieces } from './text-pieces.ts';

export interface ReadOptions extends CsvOptions {
  /** Encoding of the text, when it is not UTF-8 and cannot be guessed. */
  readonly encoding?: string;
  readonly onWarning?: OnWarning;
}

type Format = 'json-lines' | 'json-array' | 'json-object' | 'csv';

/** Ending of the name in lower case, without that of a compression. */
function ending(path: string): string {
  const outer = extname(path).toLowerCase();
  return ['.gz', '.gzip', '.zst', '.zstd'].includes(outer)
    ? extname(path.slice(0, -outer.length)).toLowerCase()
    : outer;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether the first lines of a text have the same number of cells; prose with commas has not. */
function looksLikeTable(text: string): boolean {
  const delimiter = guessDelimiter(text);
  const lines = text
    .slice(0, 20_000)
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== '')
    .slice(0, 10);
  if (delimiter === undefined || lines.length < 2) return false;
  const cells = new Set(lines.map((line) => line.replace(/"(?:[^"]|"")*"/g, '').split(delimiter).length));
  return cells.size === 1;
}

/** Says by the first lines (and the name) how to read a file. */
function chooseFormat(head: string, path: string): Format {
  const name = ending(path);
  const text = head.trimStart();
  const newline = text.indexOf('\n');
  const firstLine = newline === -1 ? text : text.slice(0, newline);
  const more = newline !== -1 && text.slice(newline).trim() !== '';
  const character = text[0] ?? '';
  const linesByName = name === '.jsonl' || name === '.ndjson';
  const tableByName = ['.csv', '.tsv', '.tab', '.psv'].includes(name);
  if (character === '{') {
    if (linesByName) return 'json-lines';
    if (isJson(firstLine) && (more || tableByName)) return 'json-lines';
    if (!tableByName) return 'json-object';
  }
  if (character === '[' && !tableByName) return isJson(firstLine) && more ? 'json-lines' : 'json-array';
  if (linesByName) return 'json-lines';
  if (name === '.json') return 'json-object';
  if (tableByName || looksLikeTable(text)) return 'csv';
  throw userError('data-format', 'This file is neither JSON nor a table with a delimiter.', {
    where: path,
    advice: `These are read: ${READABLE}.`,
  });
}

async function* startingWith(first: TextPiece, rest: AsyncIterable<TextPiece>): AsyncGenerator<TextPiece> {
  yield first;
  yield* rest;
}

/**
 * Streams the rows of a file in batches.
 * @throws EspalierError whose `where` is the file with line or row: missing, empty, cut off, of another kind,
 *   wrongly encoded, or with a mistake in a line
 */
export async function* readRows(path: string, options: ReadOptions = {}): AsyncGenerator<Row[]> {
  const name = ending(path);
  const mayBeOld = !['.jsonl', '.ndjson', '.json'].includes(name);
  const pieces = textPieces(byteChunks(path), path, {
    guessEncoding: mayBeOld,
    ...(options.encoding === undefined ? {} : { encoding: options.encoding }),
  });
  let any = false;
  try {
    // Blank pieces at the start say nothing about the format.
    let first = await pieces.next();
    while (first.done !== true && first.value.text.trim() === '') first = await pieces.next();
    if (first.done === true) throw emptyFile(path);
    const head = first.value.text;
    const all = startingWith(first.value, { [Symbol.asyncIterator]: () => pieces });
    const format = chooseFormat(head, path);
    const batches =
      format === 'json-lines'
        ? readJsonLines(all, path, options.onWarning)
        : format === 'json-array'
          ? readJsonArray(all, path, options.onWarning)
          : format === 'json-object'
            ? readJsonObject(all, path, options.onWarning)
            : readCsv(all, path, head, options);
    for await (const rows of batches) {
      any = true;
      yield rows;
    }
  } finally {
    await pieces.return(undefined);
  }
  if (!any) throw emptyFile(path);
}
