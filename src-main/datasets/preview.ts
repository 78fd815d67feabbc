/** A quick look at a data file: columns with their kinds, first rows, and a guess what is asked and answered. */
import type { z } from 'zod';
import type { dataPreviewSchema } from '../contract/calls.ts';
import { openDataFile } from './byte-chunks.ts';
import { columnNames, columnText, columnValue } from './column-path.ts';
import type { ReadOptions } from './read-rows.ts';
import { readRows } from './read-rows.ts';
import { conversationOf } from './conversation.ts';
import { dataSource } from './data-source.ts';
import { fileKind } from './file-kind.ts';
import { guessColumns } from './guess-columns.ts';
import { parquetFacts } from './parquet/read-parquet.ts';
import type { Json, Row } from './row.ts';
import { isObject } from './row.ts';
import { commonKind, valueKind } from './value-kind.ts';

export type DataPreview = z.infer<typeof dataPreviewSchema>;

/** Up to this size of file, its rows are counted. */
const COUNTED_BYTES = 16 * 1024 * 1024;
/** Rows from which kinds of columns are told. */
const SAMPLE_ROWS = 500;
/** Files of a folder whose footers are read to count rows. */
const COUNTED_FILES = 200;
const MOST_WARNINGS = 20;
const LONGEST_CELL = 2000;
const LONGEST_EXAMPLE = 120;

/** Columns that hold conversations are told apart from other lists. */
function columnKind(rows: readonly Row[], name: string, declared: string | undefined): string {
  const values = rows.map((row) => columnValue(row, name) ?? null);
  const kind = commonKind(values.map(valueKind));
  const present = values.filter((value) => valueKind(value) !== 'empty');
  if (kind === 'list' && present.every((value) => conversationOf(value) !== null)) return 'conversation';
  return declared === undefined || declared === 'text' ? kind : declared;
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`;
}

function shortenedValue(value: Json): Json {
  if (typeof value === 'string') return shortened(value, LONGEST_CELL);
  if (Array.isArray(value) || isObject(value)) {
    const text = JSON.stringify(value);
    return text.length <= LONGEST_CELL ? value : shortened(text, LONGEST_CELL);
  }
  return value;
}

interface FileFacts {
  /** Bytes of all files. */
  readonly bytes: number;
  /** Rows, where the format says them. */
  readonly rows: number | null;
  readonly types: ReadonlyMap<string, string>;
  readonly classes: ReadonlyMap<string, readonly string[]>;
}

/** What the files say of themselves, without reading rows. */
async function factsOf(files: readonly string[]): Promise<FileFacts> {
  let bytes = 0;
  let rows: number | null = 0;
  let types: ReadonlyMap<string, string> = new Map();
  let classes: ReadonlyMap<string, readonly string[]> = new Map();
  for (const [i, path] of files.entries()) {
    const { size, head } = await openDataFile(path);
    bytes += size;
    // A folder of thousands of files would take too long to look into.
    if (i >= COUNTED_FILES || fileKind(head, path) !== 'parquet') {
      rows = null;
      continue;
    }
    const facts = await parquetFacts(path);
    if (rows !== null) rows += facts.rows;
    if (i > 0) continue;
    types = new Map(facts.columns.map(({ name, type }) => [name, type]));
    classes = facts.classLabels;
  }
  return { bytes, rows, types, classes };
}

/**
 * Reads the head of a file (all of it when it is small) and describes it.
 * @param shownRows how many rows to return, 1 to 200; long cells are shortened
 * @throws EspalierError as `readRows` does
 */
export async function previewDataset(
  path: string,
  shownRows: number,
  options: Omit<ReadOptions, 'onWarning'> = {},
): Promise<DataPreview> {
  const warnings: string[] = [];
  const onWarning = (message: string): void => {
    if (warnings.length < MOST_WARNINGS) warnings.push(message);
  };
  const { files, parts } = await dataSource(path);
  const facts = await factsOf(files);
  const counting = facts.rows === null && facts.bytes <= COUNTED_BYTES;
  const sample: Row[] = [];
  let total = 0;
  for await (const rows of readRows(path, { ...options, onWarning })) {
    total += rows.length;
    if (sample.length < SAMPLE_ROWS) sample.push(...rows.slice(0, SAMPLE_ROWS - sample.length));
    if (!counting && sample.length >= SAMPLE_ROWS) break;
  }
  const names = columnNames(sample);
  const example = (name: string): string => {
    const row = sample.find((one) => columnText(one, name).trim() !== '');
    return row === undefined ? '' : shortened(columnText(row, name), LONGEST_EXAMPLE);
  };
  return {
    path,
    columns: names.map((name) => {
      const classes = facts.classes.get(name);
      return {
        name,
        type: columnKind(sample, name, facts.types.get(name)),
        example: example(name),
        missing: sample.filter((row) => columnText(row, name).trim() === '').length / sample.length,
        ...(classes === undefined ? {} : { classes: [...classes] }),
      };
    }),
    rows: sample
      .slice(0, shownRows)
      .map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, shortenedValue(value)])),
      ),
    count: facts.rows ?? (counting ? total : null),
    parts: [...parts],
    warnings,
    guess: guessColumns(names, sample),
  };
}
