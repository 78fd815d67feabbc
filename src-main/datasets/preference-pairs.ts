/** Rows → better and worse answers, through templates such as `{chosen}`; or answers with a verdict each. */
import { userError } from '../contract/errors.ts';
import { columnNames, columnValue, describeColumns } from './column-path.ts';
import { conversationOf } from './conversation.ts';
import { checkColumns, columnsOf, fillTemplate, parseTemplate } from './map-rows.ts';
import type { PromptRow, Row } from './row.ts';

export interface PairRequest {
  /** Templates of the two answers; `{chosen}` and `{rejected}` where left out. */
  readonly chosen: string | undefined;
  readonly rejected: string | undefined;
  /** Template of a verdict on the row's right-answer column, instead of pairs. */
  readonly label: string | undefined;
  /** Whether one answer of a row is enough (KTO). */
  readonly single: boolean;
  /** The file, for errors. */
  readonly path: string;
}

/** Answers of one row; null where it has none. */
export interface PairText {
  readonly chosen: string | null;
  readonly rejected: string | null;
}

const verdicts: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'good', 'chosen', 'desirable'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'bad', 'rejected', 'undesirable'].map((word) => [word, false] as const),
]);

/** Whether a word is a verdict on an answer (true, 1, yes, good, … or the opposites). */
export function isVerdict(word: string): boolean {
  return verdictOf(word) !== null;
}

/** Whether a word calls an answer good; null where it is no verdict. */
function verdictOf(word: string): boolean | null {
  return verdicts.get(word.trim().toLowerCase()) ?? null;
}

/** The answer in a cell: the last message where it holds a conversation or a message, else its text. */
function answerText(parts: ReturnType<typeof parseTemplate>, row: Row): string {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && 'column' in only) {
    const turns = conversationOf(columnValue(row, only.column));
    const last = turns?.at(-1);
    if (last !== undefined) return last.content;
  }
  return fillTemplate(parts, row);
}

/**
 * The answers to compare of each row, in order; a row that lacks what the method needs has null for both.
 * @throws EspalierError `data-template`, `data-column`, `data-pairs-empty`, `data-label`
 */
export function pairTexts(
  rows: readonly PromptRow[],
  request: PairRequest,
): { readonly texts: PairText[]; readonly warnings: string[] } {
  if (request.label !== undefined) return judgedTexts(rows, request.label, request.path);
  const warnings: string[] = [];
  const read = (template: string, field: 'chosen' | 'rejected'): (string | null)[] => {
    const parts = parseTemplate(template, `data.${field}`);
    if (!request.single) warnings.push(...checkColumns(rows, columnsOf(parts), field, request.path));
    return rows.map(({ row }) => {
      const text = answerText(parts, row);
      return text.trim() === '' ? null : text;
    });
  };
  const chosen = read(request.chosen ?? '{chosen}', 'chosen');
  const rejected = read(request.rejected ?? '{rejected}', 'rejected');
  const texts = chosen.map((better, place): PairText => {
    const worse = rejected[place] ?? null;
    const useful = request.single ? better !== null || worse !== null : better !== null && worse !== null;
    return useful && better !== worse
      ? { chosen: better, rejected: worse }
      : { chosen: null, rejected: null };
  });
  if (rows.length > 0 && texts.every((text) => text.chosen === null && text.rejected === null)) {
    const names = columnNames(rows.slice(0, 1000).map(({ row }) => row));
    throw userError(
      'data-pairs-empty',
      request.single
        ? 'No row has a better or a worse answer.'
        : 'No row has a better and a worse answer that differ.',
      {
        where: `${request.path}, data.chosen and data.rejected`,
        advice: `Name the columns that hold the two answers. ${describeColumns('chosen', names)}`,
      },
    );
  }
  return { texts, warnings };
}

function judgedTexts(
  rows: readonly PromptRow[],
  label: string,
  path: string,
): { texts: PairText[]; warnings: string[] } {
  const parts = parseTemplate(label, 'data.label');
  const warnings = checkColumns(rows, columnsOf(parts), 'label', path);
  const texts = rows.map(({ row, answer, index }): PairText => {
    const word = fillTemplate(parts, row).trim();
    const good = verdicts.get(word.toLowerCase());
    if (good === undefined) {
      throw userError('data-label', `“${word}” in row ${index + 1} is no verdict.`, {
        where: `${path}, data.label`,
        advice: `Use one of ${[...verdicts.keys()].join(', ')}.`,
      });
    }
    if (answer.trim() === '') return { chosen: null, rejected: null };
    return good ? { chosen: answer, rejected: null } : { chosen: null, rejected: answer };
  });
  return { texts, warnings };
}
