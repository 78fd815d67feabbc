/** A quick look at a data file: columns with their kinds, first rows, and a guess what is asked and answered. */
import type { z } from 'zod';
import type { dataPreviewSchema } from '../contract/calls.ts';
import { openDataFile } from './byte-chunks.ts';
import { columnNames, columnText, columnValue } from './column-path.ts';
import type { ReadOptions } from './read-rows.ts';
import { verdictOf } from './preference-pairs.ts';
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
const CHOSEN_NAMES = ['chosen', 'preferred', 'better', 'winner', 'accepted', 'positive'];
const REJECTED_NAMES = ['rejected', 'dispreferred', 'worse', 'loser', 'refused', 'negative'];
const LABEL_NAMES = [
  'label',
  'desirable',
  'good',
  'is_good',
  'verdict',
  'liked',
  'thumbs_up',
  'rating',
  'feedback',
];
const MESSAGES_NAMES = ['messages', 'conversations', 'conversation', 'chat', 'dialogue', 'dialog', 'turns'];
const SYSTEM_NAMES = ['system', 'system_prompt', 'system_message'];

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
  const columns = names.map((name) => ({ name, type: columnKind(sample, name), example: example(name) }));
  const { prompt, ...guess } = guessColumns(columns, (name) =>
    sample.every((row) => {
      const text = columnText(row, name);
      return text.trim() === '' || verdictOf(text) !== null;
    }),
  );
  return {
    path,
    columns,
    rows: sample
      .slice(0, shownRows)
      .map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, shortenedValue(value)])),
      ),
    count: counting ? total : null,
    guess: { prompt, ...guess },
  };
}

/**
 * What each column is for, by its name and kind.
 * @param judges whether every value of a column is a verdict such as yes or bad
 */
function guessColumns(
  columns: DataPreview['columns'],
  judges: (name: string) => boolean,
): DataPreview['guess'] {
  const names = columns.map(({ name }) => name);
  const lists = columns.flatMap(({ name, type }) => (type === 'list' ? [name] : []));
  const messages = guessColumn(lists, MESSAGES_NAMES);
  const chosen = guessColumn(names, CHOSEN_NAMES);
  const rejected = guessColumn(names, REJECTED_NAMES);
  const system = guessColumn(names, SYSTEM_NAMES);
  const label = guessColumn(names.filter(judges), LABEL_NAMES);
  const free = names.filter((name) => ![messages, chosen, rejected, system].includes(name));
  const prompt = guessColumn(free, PROMPT_NAMES);
  const rest = free.filter((name) => name !== prompt);
  // A column of verdicts may be the right answer of a yes-or-no question, but only where nothing else is.
  const answer =
    guessColumn(
      rest.filter((name) => name !== label),
      ANSWER_NAMES,
    ) ?? guessColumn(rest, ANSWER_NAMES);
  return { prompt, answer, chosen, rejected, label, messages, system };
}
