/** A quick look at a data file: columns with their kinds, first rows, and a guess what is asked and answered. */
import type { z } from 'zod';
import type { dataPreviewSchema } from '../contract/calls.ts';
import { openDataFile } from './byte-chunks.ts';
import { columnNames, columnText, columnValue } from './column-path.ts';
import type { ReadOptions } from './read-rows.ts';
import { readRows } from './read-rows.ts';
import type { Json, Row } from './row.ts';
import { isObject } from './row.ts';

export type DataPreview = z.infer<typeof dataPreviewSchema>;

/** Up to this size of file, its rows are counted. */
const COUNTED_BYTES = 16 * 1024 * 1024;
/** Rows from which kinds of columns are told. */
const SAMPLE_ROWS = 500;
const LONGEST_CELL = 2000;
const LONGEST_EXAMPLE = 120;

/** Usual names of columns, the best first. */
const PROMPT_NAMES = ['prompt', 'question', 'instruction', 'query', 'problem', 'input', 'task', 'text'];
const ANSWER_NAMES = [
  'answer',
  'final_answer',
  'output',
  'response',
  'completion',
  'solution',
  'target',
  'label',
  'reference',
];

function kindOf(value: Json): string {
  if (Array.isArray(value)) return 'list';
  if (value === null) return 'empty';
  switch (typeof value) {
    case 'boolean':
      return 'yes/no';
    case 'number':
      return 'number';
    case 'string':
      return value.trim() === '' ? 'empty' : 'text';
    default:
      return 'object';
  }
}

/** The kind of a column: that of all its values that are not empty, else `mixed`. */
function columnKind(rows: readonly Row[], name: string): string {
  const kinds = new Set(rows.map((row) => kindOf(columnValue(row, name) ?? null)));
  kinds.delete('empty');
  if (kinds.size === 0) return 'empty';
  if (kinds.size > 1) return 'mixed';
  const [kind = 'empty'] = kinds;
  if (kind !== 'text') return kind;
  const numbers = rows.every((row) => {
    const text = columnText(row, name).trim();
    return text === '' || /^[+-]?\d{1,15}(?:\.\d{1,15})?$/.test(text);
  });
  return numbers ? 'number as text' : kind;
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

/** The first of the usual names that a column has, in any case of letters; else one that ends so. */
function guessColumn(names: readonly string[], usual: readonly string[]): string | null {
  const plain = names.map((name) => ({ name, key: name.toLowerCase().replace(/[\s-]/g, '_') }));
  for (const wanted of usual) {
    const found = plain.find(({ key }) => key === wanted);
    if (found !== undefined) return found.name;
  }
  for (const wanted of usual) {
    const found = plain.find(({ key }) => key.endsWith(`_${wanted}`) || key.startsWith(`${wanted}_`));
    if (found !== undefined) return found.name;
  }
  return null;
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
  const { size } = await openDataFile(path);
  const counting = size <= COUNTED_BYTES;
  const sample: Row[] = [];
  let total = 0;
  for await (const rows of readRows(path, options)) {
    total += rows.length;
    if (sample.length < SAMPLE_ROWS) sample.push(...rows.slice(0, SAMPLE_ROWS - sample.length));
    if (!counting && sample.length >= Math.min(SAMPLE_ROWS, shownRows)) break;
  }
  const names = columnNames(sample);
  const example = (name: string): string => {
    const row = sample.find((one) => columnText(one, name).trim() !== '');
    return row === undefined ? '' : shortened(columnText(row, name), LONGEST_EXAMPLE);
  };
  const prompt = guessColumn(names, PROMPT_NAMES);
  return {
    path,
    columns: names.map((name) => ({ name, type: columnKind(sample, name), example: example(name) })),
    rows: sample
      .slice(0, shownRows)
      .map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, shortenedValue(value)])),
      ),
    count: counting ? total : null,
    guess: {
      prompt,
      answer: guessColumn(
        names.filter((name) => name !== prompt),
        ANSWER_NAMES,
      ),
    },
  };
}
