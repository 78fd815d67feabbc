/** Rows → questions with right answers, through templates such as `Question: {question}`. */
import { userError } from '../contract/errors.ts';
import { columnNames, columnText, columnValue, describeColumns } from './column-path.ts';
import type { DatasetRow, PromptRow } from './row.ts';

export interface MapRequest {
  /** Template of the question: column names or paths in braces; `{{` and `}}` stand for braces themselves. */
  readonly prompt: string;
  /** Template of the right answer. */
  readonly answer: string;
  /** The file, for errors. */
  readonly path: string;
  /** Whether at least one row must have a right answer (default true). */
  readonly answerNeeded?: boolean;
  /** Whether every question may be empty, as for learning plain text (default false). */
  readonly emptyPrompts?: boolean;
}

export interface MappedRows {
  readonly rows: PromptRow[];
  /** Rows without a right answer; rewards that need one cannot grade them. */
  readonly emptyAnswers: number;
  readonly warnings: string[];
}

type Part = { readonly text: string } | { readonly column: string };

/**
 * Takes a template apart.
 * @throws EspalierError `data-template` for a brace that is not closed or an empty name
 */
export function parseTemplate(template: string, field: string): Part[] {
  const parts: Part[] = [];
  let text = '';
  for (let i = 0; i < template.length; i++) {
    const character = template[i] ?? '';
    if ((character === '{' || character === '}') && template[i + 1] === character) {
      text += character;
      i += 1;
    } else if (character === '{') {
      const end = template.indexOf('}', i);
      const column = end === -1 ? '' : template.slice(i + 1, end).trim();
      if (column === '' || column.includes('{')) {
        throw userError(
          'data-template',
          `A brace in the template ${JSON.stringify(template)} holds no column name.`,
          {
            where: field,
            advice: 'Write {column}; for a brace itself write {{ or }}.',
          },
        );
      }
      if (text !== '') parts.push({ text });
      text = '';
      parts.push({ column });
      i = end;
    } else {
      text += character;
    }
  }
  if (text !== '') parts.push({ text });
  return parts;
}

/** Columns that a template names. */
export function columnsOf(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => ('column' in part ? [part.column] : []));
}

/** The text of a template for one row. */
export function fillTemplate(parts: readonly Part[], row: DatasetRow['row']): string {
  let filled = '';
  for (const part of parts) filled += 'text' in part ? part.text : columnText(row, part.column);
  return filled;
}

/** Warns of a column that only some rows have, and throws for one that none has. */
export function checkColumns(
  rows: readonly Pick<DatasetRow, 'index' | 'row'>[],
  columns: string[],
  field: string,
  path: string,
): string[] {
  return columns.flatMap((column) => {
    const missing = rows.filter(({ row }) => columnValue(row, column) === undefined);
    if (missing.length === rows.length) {
      throw userError(
        'data-column',
        `The ${field} names a column “${column}”, which the data does not have.`,
        {
          where: `${path}, data.${field}`,
          advice: describeColumns(column, columnNames(rows.slice(0, 1000).map(({ row }) => row))),
        },
      );
    }
    const first = missing[0];
    if (first === undefined) return [];
    return [
      `${path}: ${missing.length} of ${rows.length} rows have no “${column}” (the first is row ${first.index + 1}); it counts as empty there.`,
    ];
  });
}

/**
 * Fills the templates for every row.
 * @throws EspalierError `data-template`, `data-column` (names the columns that exist and the nearest),
 *   `data-empty`, `data-prompt-empty`, `data-answer-empty`
 */
export function mapRows(rows: readonly DatasetRow[], request: MapRequest): MappedRows {
  const { path } = request;
  if (rows.length === 0) {
    throw userError('data-empty', 'There are no rows to make questions of.', {
      where: path,
      advice: 'Check the file, the filter and the limit.',
    });
  }
  const prompt = parseTemplate(request.prompt, 'data.prompt');
  const answer = parseTemplate(request.answer, 'data.answer');
  if (columnsOf(prompt).length === 0) {
    throw userError(
      'data-template',
      `The question template ${JSON.stringify(request.prompt)} names no column, so all questions would be equal.`,
      {
        where: 'data.prompt',
        advice: `Name a column in braces. ${describeColumns('prompt', columnNames(rows.slice(0, 1000).map(({ row }) => row)))}`,
      },
    );
  }
  const answerNeeded = request.answerNeeded ?? true;
  const warnings = [
    ...checkColumns(rows, columnsOf(prompt), 'prompt', path),
    ...(answerNeeded ? checkColumns(rows, columnsOf(answer), 'answer', path) : []),
  ];
  const mapped = rows.map(({ index, row }) => ({
    index,
    prompt: fillTemplate(prompt, row),
    answer: fillTemplate(answer, row),
    row,
  }));
  if (request.emptyPrompts !== true && mapped.every((one) => one.prompt.trim() === '')) {
    throw userError('data-prompt-empty', 'Every question is empty.', {
      where: `${path}, ${request.prompt}`,
      advice: 'Choose the column that holds the questions.',
    });
  }
  const emptyAnswers = mapped.filter((one) => one.answer.trim() === '').length;
  if (answerNeeded && emptyAnswers === mapped.length) {
    throw userError('data-answer-empty', 'The column of right answers is empty in every row.', {
      where: `${path}, ${request.answer}`,
      advice: 'Choose the column that holds the right answers.',
    });
  }
  if (answerNeeded && emptyAnswers > 0) {
    warnings.push(`${path}: ${emptyAnswers} of ${mapped.length} rows have no right answer.`);
  }
  return { rows: mapped, emptyAnswers, warnings };
}
