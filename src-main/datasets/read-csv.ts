/** CSV and TSV → rows of text cells: delimiter guessed, header names made unique, mistakes named by line. */
import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { userError } from '../contract/errors.ts';
import type { Row } from './row.ts';
import type { TextPiece } from './text-pieces.ts';

export interface CsvOptions {
  /** The character between cells; guessed when left out. */
  readonly delimiter?: string;
  /** Whether the first line names the columns (default true); else they are column_1, column_2, … */
  readonly header?: boolean;
}

const DELIMITERS = [',', ';', '\t', '|'] as const;
const BATCH = 2000;

/** How often each delimiter stands in each of the first records, outside quotes. */
function countDelimiters(head: string): Map<string, number[]> {
  const counts = new Map<string, number[]>(DELIMITERS.map((delimiter) => [delimiter, []]));
  let current = new Map<string, number>();
  let inQuotes = false;
  let blank = true;
  const finish = (): void => {
    if (!blank) for (const [delimiter, list] of counts) list.push(current.get(delimiter) ?? 0);
    current = new Map();
    blank = true;
  };
  for (const character of head) {
    if (character === '"') {
      inQuotes = !inQuotes;
      blank = false;
    } else if (!inQuotes && (character === '\n' || character === '\r')) finish();
    else {
      if (!inQuotes && counts.has(character)) current.set(character, (current.get(character) ?? 0) + 1);
      if (character.trim() !== '' || character === '\t') blank = false;
    }
  }
  // The last record of a long head may be cut; it counts only when there is no other.
  if ((counts.get(',')?.length ?? 0) === 0) finish();
  return counts;
}

/**
 * The delimiter of a CSV text, from its first lines: the one whose count is the same in most lines.
 * @returns undefined when none occurs in the first line (a single column)
 */
export function guessDelimiter(head: string): string | undefined {
  let best: string | undefined;
  let bestScore = 0;
  for (const [delimiter, counts] of countDelimiters(head.slice(0, 65_536))) {
    const first = counts[0] ?? 0;
    if (first === 0) continue;
    const agreeing = counts.filter((count) => count === first).length / counts.length;
    const score = agreeing + Math.min(first, 50) / 1000;
    if (score > bestScore) {
      bestScore = score;
      best = delimiter;
    }
  }
  return best;
}

/** Trims names, names the unnamed column_N, and gives the second of two equal names the ending .1, as pandas does. */
export function headerNames(cells: readonly string[]): string[] {
  const used = new Set<string>();
  return cells.map((cell, i) => {
    const name = cell.trim() === '' ? `column_${i + 1}` : cell.trim();
    let unique = name;
    for (let copy = 1; used.has(unique); copy++) unique = `${name}.${copy}`;
    used.add(unique);
    return unique;
  });
}

function csvError(error: unknown, path: string): unknown {
  if (!(error instanceof CsvError)) return error;
  const line = typeof error['lines'] === 'number' ? error['lines'] : undefined;
  const where = line === undefined ? path : `${path}, line ${line}`;
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return userError('data-csv-quote', 'A quoted cell is never closed.', {
        where,
        advice: 'Add the closing double quote; a quote inside a quoted cell is written twice.',
      });
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
      return userError('data-csv-quote', 'A double quote stands where it does not belong.', {
        where,
        advice: 'Put the whole cell in double quotes, and write quotes inside it twice.',
      });
    default:
      return userError('data-csv', `This line cannot be read as CSV (${error.message}).`, {
        where,
        advice: 'Correct the line, or save the table again as CSV.',
      });
  }
}

interface CsvRecord {
  readonly record: string[];
  readonly info: { lines: number; records: number };
}

function isCsvRecord(value: unknown): value is CsvRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'record' in value &&
    Array.isArray(value.record) &&
    'info' in value
  );
}

/**
 * Reads rows in batches; every cell is text, empty ones are ''.
 * @param head the beginning of the text, from which the delimiter is guessed
 * @throws EspalierError `data-csv-quote`, `data-csv-ragged` or `data-csv`, with the line
 */
export async function* readCsv(
  pieces: AsyncIterable<TextPiece>,
  path: string,
  head: string,
  options: CsvOptions = {},
): AsyncGenerator<Row[]> {
  const texts = Readable.from(
    (async function* () {
      for await (const { text } of pieces) yield text;
    })(),
  );
  // The parser runs ahead of what is taken from it, so the line is noted as each record is made.
  let lastGoodLine = 0;
  const parser = parse({
    on_record: (record: string[], { lines }) => {
      lastGoodLine = lines;
      return record;
    },
    delimiter: options.delimiter ?? guessDelimiter(head) ?? ',',
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
  });
  texts.on('error', (error) => parser.destroy(error));
  texts.pipe(parser);
  let names: string[] | undefined;
  let rows: Row[] = [];
  let dataRow = 0;
  try {
    for await (const entry of parser) {
      if (!isCsvRecord(entry)) continue;
      const { record, info } = entry;
      if (record.every((cell) => cell.trim() === '') && record.length === 1) continue;
      if (names === undefined) {
        const named = options.header ?? true;
        names = named ? headerNames(record) : record.map((_, i) => `column_${i + 1}`);
        if (named) continue;
      }
      dataRow += 1;
      if (record.length !== names.length) {
        const cells = record.length === 1 ? '1 cell' : `${record.length} cells`;
        throw userError('data-csv-ragged', `This row has ${cells}; the first has ${names.length}.`, {
          where: `${path}, line ${info.lines}, row ${dataRow}`,
          advice:
            'Put cells that contain the delimiter in double quotes, and give every row the same number of cells.',
        });
      }
      rows.push(Object.fromEntries(record.map((cell, i) => [names?.[i] ?? '', cell])));
      if (rows.length >= BATCH) {
        yield rows;
        rows = [];
      }
    }
  } catch (error) {
    if (error instanceof CsvError && error.code === 'CSV_QUOTE_NOT_CLOSED') {
      // The parser notices at the end of the file; the quote opened behind the last good record.
      throw csvError(Object.assign(error, { lines: lastGoodLine + 1 }), path);
    }
    throw csvError(error, path);
  } finally {
    texts.destroy();
    parser.destroy();
  }
  if (rows.length > 0) yield rows;
}
