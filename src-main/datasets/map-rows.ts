/** Rows → questions with right answers, through templates such as `Question: {question}`. */
import { userError } from '../contract/errors.ts';
import { columnNames, columnText, columnValue, describeColumns } from './column-path.ts';
import type { ChatTurn } from './conversation.ts';
import { askedAndAnswered, conversationOf, plainText } from './conversation.ts';
import type { DatasetRow, PromptRow } from './row.ts';

export interface MapRequest {
  /** Template of the question: column names or paths in braces; `{{` and `}}` stand for braces themselves. */
  readonly prompt: string;
  /** Template of the right answer. */
  readonly answer: string;
  /** A column in braces that holds conversations, instead of the question. */
  readonly messages?: string | undefined;
  /** Template of a system message. */
  readonly system?: string | undefined;
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
    // Where there are no rows, as in an empty held-out set, no column is missing.
    if (rows.length > 0 && missing.length === rows.length) {
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
 *   `data-empty`, `data-prompt-empty`, `data-answer-empty`, `data-messages`
 */
export function mapRows(rows: readonly DatasetRow[], request: MapRequest): MappedRows {
  const { path } = request;
  if (rows.length === 0) {
    throw userError('data-empty', 'There are no rows to make questions of.', {
      where: path,
      advice: 'Check the file, the filter and the limit.',
    });
  }
  const asked = askedOf(rows, request);
  const { prompts, warnings } = asked;
  const answer = parseTemplate(request.answer, 'data.answer');
  // The right answer of a conversation is its last turn, unless the data has a column for it.
  const fromTurns = asked.answers !== null && !hasAnyColumn(rows, columnsOf(answer));
  const answerNeeded = request.answerNeeded ?? true;
  if (answerNeeded && !fromTurns) warnings.push(...checkColumns(rows, columnsOf(answer), 'answer', path));
  const mapped = rows.map(({ index, row }, place): PromptRow => {
    const { text, turns } = prompts[place] ?? { text: '', turns: null };
    return {
      index,
      prompt: text,
      answer: fromTurns ? (asked.answers?.[place] ?? '') : fillTemplate(answer, row),
      row,
      ...(turns === null ? {} : { turns }),
    };
  });
  if (request.emptyPrompts !== true && mapped.every((one) => one.prompt.trim() === '')) {
    throw userError('data-prompt-empty', 'Every question is empty.', {
      where: `${path}, ${request.messages ?? request.prompt}`,
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

interface Asked {
  /** What each row asks: as text, and as a conversation where it is one. */
  readonly prompts: readonly { readonly text: string; readonly turns: readonly ChatTurn[] | null }[];
  /** What the assistant answered at the end of each conversation; null where the data holds none. */
  readonly answers: readonly string[] | null;
  readonly warnings: string[];
}

const hasAnyColumn = (rows: readonly DatasetRow[], columns: readonly string[]): boolean =>
  columns.some((column) => rows.some(({ row }) => columnValue(row, column) !== undefined));

function askedOf(rows: readonly DatasetRow[], request: MapRequest): Asked {
  const { path } = request;
  const warnings: string[] = [];
  const system = request.system === undefined ? null : parseTemplate(request.system, 'data.system');
  if (system !== null) warnings.push(...checkColumns(rows, columnsOf(system), 'system', path));
  const before = (row: DatasetRow['row']): ChatTurn[] => {
    const content = system === null ? '' : fillTemplate(system, row);
    return content.trim() === '' ? [] : [{ role: 'system', content }];
  };
  if (request.messages !== undefined) return conversations(rows, request.messages, before, path, warnings);
  const prompt = parseTemplate(request.prompt, 'data.prompt');
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
  warnings.push(...checkColumns(rows, columnsOf(prompt), 'prompt', path));
  const prompts = rows.map(({ row }) => {
    const text = fillTemplate(prompt, row);
    const turns = text.trim() === '' ? [] : before(row);
    if (turns.length === 0) return { text, turns: null };
    const all = [...turns, { role: 'user', content: text }];
    return { text: plainText(all), turns: all };
  });
  return { prompts, answers: null, warnings };
}

function conversations(
  rows: readonly DatasetRow[],
  template: string,
  before: (row: DatasetRow['row']) => ChatTurn[],
  path: string,
  warnings: string[],
): Asked {
  const parts = parseTemplate(template, 'data.messages');
  const [column] = columnsOf(parts);
  if (column === undefined || parts.length > 1) {
    throw userError(
      'data-template',
      `The conversation must be one column in braces, not ${JSON.stringify(template)}.`,
      {
        where: 'data.messages',
        advice: 'Write {messages}; text before it belongs into data.system.',
      },
    );
  }
  warnings.push(...checkColumns(rows, [column], 'messages', path));
  const found = rows.map(({ row }) => conversationOf(columnValue(row, column)));
  const first = found.findIndex((turns) => turns === null);
  if (found.every((turns) => turns === null)) {
    throw userError('data-messages', `The column “${column}” holds no conversations.`, {
      where: `${path}, data.messages`,
      advice:
        'A conversation is a list of {"role": "user", "content": "…"} or {"from": "human", "value": "…"}. For plain questions use data.prompt.',
    });
  }
  if (first !== -1) {
    const count = found.filter((turns) => turns === null).length;
    warnings.push(
      `${path}: ${count} of ${rows.length} rows have no conversation in “${column}” (the first is row ${(rows[first]?.index ?? 0) + 1}); they are left out.`,
    );
  }
  const split = found.map((turns, place) => {
    const { asked, answer } = askedAndAnswered(turns ?? []);
    const row = rows[place]?.row;
    const hasSystem = asked[0]?.role === 'system' || asked.length === 0;
    return { asked: hasSystem || row === undefined ? asked : [...before(row), ...asked], answer };
  });
  return {
    prompts: split.map(({ asked }) => ({ text: plainText(asked), turns: asked })),
    answers: split.some(({ answer }) => answer !== null) ? split.map(({ answer }) => answer ?? '') : null,
    warnings,
  };
}
