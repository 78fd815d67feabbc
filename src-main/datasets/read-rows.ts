/** Any readable data file or folder → rows, streamed. What the file is, its content says; its name only breaks ties. */
import { extname } from 'node:path';
import { userError } from '../contract/errors.ts';
import { byteChunks, emptyFile, openDataFile } from './byte-chunks.ts';
import { dataSource } from './data-source.ts';
import type { FileKind } from './file-kind.ts';
import { fileKind, READABLE } from './file-kind.ts';
import { parquetFacts, readParquet } from './parquet/read-parquet.ts';
import type { CsvOptions } from './read-csv.ts';
import { guessDelimiter, readCsv } from './read-csv.ts';
import { readJsonArray, readJsonObject } from './read-json.ts';
import { readJsonLines } from './read-json-lines.ts';
import { readTextLines } from './read-text-lines.ts';
import type { OnWarning, Row } from './row.ts';
import type { TextPiece } from './text-pieces.ts';
import { textPieces } from './text-pieces.ts';

export interface ReadOptions extends CsvOptions {
  /** Encoding of the text, when it is not UTF-8 and cannot be guessed. */
  readonly encoding?: string;
  readonly onWarning?: OnWarning;
  /** Told the share (0 to 1) that has been read. */
  readonly onProgress?: (share: number) => void;
}

/** A column of a file that says of itself what it holds. */
export interface TypedColumn {
  readonly name: string;
  /** Kind in words, as a preview shows it. */
  readonly type: string;
}

type Format = 'json-lines' | 'json-array' | 'json-object' | 'csv' | 'lines';

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
  if (name === '.txt') return 'lines';
  throw userError('data-format', 'This file is neither JSON nor a table with a delimiter.', {
    where: path,
    advice: `These are read: ${READABLE}.`,
  });
}

async function* startingWith(first: TextPiece, rest: AsyncIterable<TextPiece>): AsyncGenerator<TextPiece> {
  yield first;
  yield* rest;
}

async function* readText(
  path: string,
  part: string | undefined,
  options: ReadOptions,
): AsyncGenerator<Row[]> {
  const mayBeOld = !['.jsonl', '.ndjson', '.json'].includes(ending(path));
  const pieces = textPieces(byteChunks(path, options.onProgress), path, {
    guessEncoding: mayBeOld,
    ...(options.encoding === undefined ? {} : { encoding: options.encoding }),
  });
  try {
    // Blank pieces at the start say nothing about the format.
    let first = await pieces.next();
    while (first.done !== true && first.value.text.trim() === '') first = await pieces.next();
    if (first.done === true) return;
    const head = first.value.text;
    const all = startingWith(first.value, { [Symbol.asyncIterator]: () => pieces });
    const { onWarning } = options;
    switch (chooseFormat(head, path)) {
      case 'json-lines':
        yield* readJsonLines(all, path, onWarning);
        return;
      case 'json-array':
        yield* readJsonArray(all, path, onWarning);
        return;
      case 'json-object':
        yield* readJsonObject(all, path, onWarning, part);
        return;
      case 'csv':
        yield* readCsv(all, path, head, options);
        return;
      case 'lines':
        yield* readTextLines(all);
        return;
    }
  } finally {
    await pieces.return(undefined);
  }
}

async function kindOfFile(path: string): Promise<FileKind> {
  return fileKind((await openDataFile(path)).head, path);
}

/** Streams the rows of one file. The reader of Arrow takes long to load, so that only who needs it waits. */
async function* readFile(
  path: string,
  part: string | undefined,
  options: ReadOptions,
): AsyncGenerator<Row[]> {
  const kind = await kindOfFile(path);
  if (kind === 'parquet') yield* readParquet(path, options);
  else if (kind === 'arrow') yield* (await import('./arrow/read-arrow.ts')).readArrow(path, options);
  else yield* readText(path, part, options);
}

/** Columns of a file that names them with their types; null for text. */
async function typedColumns(path: string): Promise<readonly TypedColumn[] | null> {
  const kind = await kindOfFile(path);
  if (kind === 'parquet') return (await parquetFacts(path)).columns;
  return kind === 'arrow' ? (await import('./arrow/read-arrow.ts')).arrowColumns(path) : null;
}

/** Throws when a shard does not have the columns of the first one: before any row is read. */
async function checkShards(files: readonly string[]): Promise<void> {
  const [first, ...others] = files;
  const expected = first === undefined || others.length === 0 ? null : await typedColumns(first);
  if (expected === null) return;
  const types = new Map(expected.map(({ name, type }) => [name, type]));
  for (const path of others) {
    const columns = await typedColumns(path);
    if (columns === null) continue;
    const names = new Set(columns.map(({ name }) => name));
    const differences = [
      ['missing', [...types.keys()].filter((name) => !names.has(name))],
      ['new', columns.filter(({ name }) => !types.has(name)).map(({ name }) => name)],
      [
        'of another type',
        columns.filter(({ name, type }) => isOther(types.get(name), type)).map(({ name }) => name),
      ],
    ] as const;
    const found = differences.filter(([, list]) => list.length > 0);
    if (found.length === 0) continue;
    const words = found.map(([what, list]) => `${what}: ${list.join(', ')}`).join('; ');
    throw userError('data-schema', `This file has other columns than the first of its data set (${words}).`, {
      where: path,
      advice: `Compare it with ${first ?? ''}; files of different kinds are data sets of their own.`,
    });
  }
}

/** Whether two kinds differ; a column that is empty in one file fits any kind. */
function isOther(expected: string | undefined, type: string): boolean {
  return expected !== undefined && expected !== type && expected !== 'empty' && type !== 'empty';
}

/**
 * Streams the rows of a file or folder in batches, file after file.
 * @param path of a file or folder, or of a part of either (`folder#test`)
 * @throws EspalierError whose `where` is the file with line or row: missing, empty, cut off, of another kind,
 *   wrongly encoded, or with a mistake in a line; and as `dataSource` does for folders
 */
export async function* readRows(path: string, options: ReadOptions = {}): AsyncGenerator<Row[]> {
  const { files, part, warnings } = await dataSource(path);
  for (const warning of warnings) options.onWarning?.(warning);
  await checkShards(files);
  const { onProgress } = options;
  let any = false;
  for (const [i, file] of files.entries()) {
    const progress =
      onProgress === undefined
        ? {}
        : { onProgress: (share: number) => onProgress((i + share) / files.length) };
    for await (const rows of readFile(file, part, { ...options, ...progress })) {
      any ||= rows.length > 0;
      yield rows;
    }
  }
  if (!any) throw emptyFile(path);
}
