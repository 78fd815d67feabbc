/**
 * A JSON document → rows. A list of objects is streamed element by element; an object is read whole and may
 * hold one list of objects under any name, or columns (equally long lists, or pandas' column → row → value).
 */
import { userError } from '../contract/errors.ts';
import { describeColumns } from './column-path.ts';
import { parseJson } from './parse-json.ts';
import { asRow } from './read-json-lines.ts';
import type { Json, OnWarning, Row } from './row.ts';
import { isObject } from './row.ts';
import type { TextPiece } from './text-pieces.ts';

const isBlank = (text: string): boolean => text.trim() === '';

function syntaxError(path: string, line: number, hint: string): Error {
  return userError('data-json', `This is not valid JSON: ${hint}.`, {
    where: `${path}, line ${line}`,
    advice: 'Correct that line, or write the file again with a JSON library.',
  });
}

/** Cuts a list into the texts of its elements as pieces arrive; brackets and strings are followed, nothing else. */
class ElementCutter {
  /** Whether the closing bracket has been seen. */
  closed = false;
  private readonly path: string;
  private depth = 0;
  private inString = false;
  private escaped = false;
  private opened = false;
  private pending = '';
  private pendingLine = 1;
  private count = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Texts of the elements that end in this piece, each with the line on which it begins. */
  *take(piece: TextPiece): Generator<{ text: string; line: number }> {
    const { text } = piece;
    let line = piece.firstLine;
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === 0x0a) line += 1;
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (code === 0x5c) this.escaped = true;
        else if (code === 0x22) this.inString = false;
        continue;
      }
      if (this.closed) {
        if (code > 0x20) throw syntaxError(this.path, line, 'more text behind the closing ]');
      } else if (!this.opened) {
        if (code === 0x5b) {
          this.opened = true;
          start = i + 1;
          this.pendingLine = line;
        }
      } else if (code === 0x22) this.inString = true;
      else if (code === 0x7b || code === 0x5b) this.depth += 1;
      else if (this.depth > 0 && (code === 0x7d || code === 0x5d)) this.depth -= 1;
      else if (this.depth === 0 && (code === 0x2c || code === 0x5d)) {
        const element = this.pending + text.slice(start, i);
        const begins = this.pendingLine;
        this.pending = '';
        this.pendingLine = line;
        start = i + 1;
        this.closed = code === 0x5d;
        if (isBlank(element)) {
          if (this.closed && this.count === 0) continue;
          throw syntaxError(
            this.path,
            line,
            this.closed ? 'a comma before ]' : 'a value is missing before the comma',
          );
        }
        this.count += 1;
        yield { text: element, line: begins };
      }
    }
    if (this.opened && !this.closed) this.pending += text.slice(start);
  }

  /** To be called at the end of the file. Throws when the list is not closed. */
  finish(lastLine: number): void {
    if (this.closed) return;
    // An element that is broken inside swallows what follows: its own mistake is the one to report.
    if (!isBlank(this.pending)) parseJson(this.pending, { path: this.path, firstLine: this.pendingLine });
    throw syntaxError(this.path, lastLine, 'the file ends before the closing ] (was it cut off?)');
  }
}

/** Rows of a document whose first character is `[`, in batches. */
export async function* readJsonArray(
  pieces: AsyncIterable<TextPiece>,
  path: string,
  onWarning?: OnWarning,
): AsyncGenerator<Row[]> {
  const cutter = new ElementCutter(path);
  let index = 0;
  let lastLine = 1;
  for await (const piece of pieces) {
    const rows: Row[] = [];
    for (const { text, line } of cutter.take(piece)) {
      rows.push(asRow(parseJson(text, { path, firstLine: line, onWarning }), `${path}, row ${index + 1}`));
      index += 1;
    }
    lastLine = piece.firstLine + piece.text.split('\n').length - 1;
    if (piece.text.endsWith('\n')) lastLine -= 1;
    if (rows.length > 0) yield rows;
  }
  cutter.finish(lastLine);
}

const isListOfObjects = (value: Json): value is Json[] =>
  Array.isArray(value) && value.length > 0 && value.every(isObject);
const SPLIT_NAMES = /^(?:train|test|validation|valid|dev|eval|evaluation)\b/i;

function rowsFromColumns(columns: [string, Json[]][], path: string): Row[] {
  const lengths = columns.map(([name, values]) => `${name}: ${values.length}`);
  const count = columns[0]?.[1].length ?? 0;
  if (columns.some(([, values]) => values.length !== count)) {
    throw userError(
      'data-columns-unequal',
      `The columns of this file are not equally long (${lengths.join(', ')}).`,
      {
        where: path,
        advice: 'Each column needs one value for each row; write null where there is none.',
      },
    );
  }
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[i] ?? null])),
  );
}

/** The rows that an object holds, or those of one `part` of it. Throws `data-no-rows` when there are none, or more than one list to choose from. */
export function rowsFromObject(value: Json, path: string, part?: string): Row[] {
  if (!isObject(value)) {
    throw userError('data-no-rows', 'This file holds a single value, not rows.', {
      where: `${path}, line 1`,
      advice: 'Write a list of objects, or one object a line.',
    });
  }
  const entries = Object.entries(value);
  const tables = entries.filter(([, inner]) => isListOfObjects(inner));
  const lists = entries.flatMap(([name, inner]): [string, Json[]][] =>
    Array.isArray(inner) ? [[name, inner]] : [],
  );
  if (part !== undefined) {
    const chosen = tables.find(([name]) => name === part)?.[1];
    if (Array.isArray(chosen)) return chosen.map((row, i) => asRow(row, `${path}#${part}, row ${i + 1}`));
    throw userError('data-part', `This file holds no list of rows called “${part}”.`, {
      where: path,
      advice: describeColumns(
        part,
        tables.map(([name]) => name),
      ).replace('columns', 'lists'),
    });
  }
  const table = tables[0];
  if (
    table !== undefined &&
    tables.length === 1 &&
    Array.isArray(table[1]) &&
    (lists.length === 1 || lists.length < entries.length)
  ) {
    return table[1].map((row, i) => asRow(row, `${path}, ${table[0]}, row ${i + 1}`));
  }
  if (
    tables.length > 1 &&
    tables.length === entries.length &&
    tables.every(([name]) => SPLIT_NAMES.test(name))
  ) {
    throw userError(
      'data-several-lists',
      `This file holds several data sets: ${tables.map(([name]) => name).join(', ')}.`,
      {
        where: path,
        advice: `Name one behind a #, for example ${path}#${tables[0]?.[0] ?? ''}, so that questions for evaluation stay apart.`,
      },
    );
  }
  if (lists.length > 0 && lists.length === entries.length) return rowsFromColumns(lists, path);
  const maps = entries.flatMap(([name, inner]): [string, Row][] => (isObject(inner) ? [[name, inner]] : []));
  const keys = Object.keys(maps[0]?.[1] ?? {});
  const pandas =
    maps.length > 0 &&
    maps.length === entries.length &&
    keys.length > 0 &&
    maps.every(
      ([, inner]) =>
        Object.keys(inner).length === keys.length &&
        keys.every((key) => /^\d+$/.test(key) && Object.hasOwn(inner, key)),
    );
  if (pandas) {
    return keys.map((key) => Object.fromEntries(maps.map(([name, inner]) => [name, inner[key] ?? null])));
  }
  throw userError('data-no-rows', 'This file holds one object, and no single list of rows in it.', {
    where: path,
    advice: 'Write a list of objects, or one object a line (JSON lines).',
  });
}

/** Rows of a document whose first character is not `[`. It is held in memory whole. */
export async function* readJsonObject(
  pieces: AsyncIterable<TextPiece>,
  path: string,
  onWarning?: OnWarning,
  part?: string,
): AsyncGenerator<Row[]> {
  const texts: string[] = [];
  for await (const { text } of pieces) texts.push(text);
  const rows = rowsFromObject(parseJson(texts.join(''), { path, firstLine: 1, onWarning }), path, part);
  if (rows.length > 0) yield rows;
}
