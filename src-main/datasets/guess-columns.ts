/** Which columns probably hold what is asked, answered, preferred: a proposal that a person confirms. */
import { columnValue } from './column-path.ts';
import { askedAndAnswered, conversationOf } from './conversation.ts';
import { isVerdict } from './preference-pairs.ts';
import type { Json, Row } from './row.ts';

/** Columns by what they seem to be; null where none does. */
export interface ColumnGuess {
  readonly prompt: string | null;
  readonly answer: string | null;
  readonly system: string | null;
  readonly messages: string | null;
  readonly chosen: string | null;
  readonly rejected: string | null;
  /** Verdicts on single answers (true and false, good and bad). */
  readonly label: string | null;
  /** What to ask, when it takes two columns: such as `{instruction}\n\n{input}`. */
  readonly template: string | null;
}

/** Usual names of columns, the best first. */
const names = {
  prompt: [
    'prompt',
    'question',
    'instruction',
    'query',
    'problem',
    'input',
    'task',
    'text',
    'user',
    'request',
  ],
  answer: [
    'answer',
    'final_answer',
    'ground_truth',
    'reference',
    'reference_answer',
    'gold',
    'target',
    'expected',
    'output',
    'solution',
    'response',
    'completion',
    'label',
    'corrected',
  ],
  system: ['system', 'system_prompt', 'system_message'],
  messages: ['messages', 'conversations', 'conversation', 'dialogue', 'dialog', 'chat', 'turns', 'prompt'],
  chosen: ['chosen', 'preferred', 'better', 'winner', 'response_chosen', 'accepted', 'positive'],
  rejected: ['rejected', 'dispreferred', 'worse', 'loser', 'response_rejected', 'negative'],
  label: ['label', 'is_correct', 'correct', 'verdict', 'passes', 'thumbs', 'good', 'feedback'],
} as const;

/** Columns that belong before a question, each with the name of the question it goes with. */
const companions: readonly { readonly before: string; readonly after: string; readonly join: string }[] = [
  { before: 'instruction', after: 'input', join: '\n\n' },
  { before: 'context', after: 'question', join: '\n\n' },
  { before: 'passage', after: 'question', join: '\n\n' },
  { before: 'body', after: 'question', join: ' ' },
];

const plain = (name: string): string => name.toLowerCase().replace(/[\s-]/g, '_');

/** The first of the usual names that a column has, in any case of letters; else one that begins or ends so. */
function find(columns: readonly string[], usual: readonly string[]): string | null {
  const keyed = columns.map((name) => ({ name, key: plain(name) }));
  for (const wanted of usual) {
    const found = keyed.find(({ key }) => key === wanted);
    if (found !== undefined) return found.name;
  }
  for (const wanted of usual) {
    const found = keyed.find(({ key }) => key.endsWith(`_${wanted}`) || key.startsWith(`${wanted}_`));
    if (found !== undefined) return found.name;
  }
  return null;
}

/** Whether most of the values that a column has pass a test. */
function mostly(rows: readonly Row[], column: string, test: (value: NonNullable<Json>) => boolean): boolean {
  let [present, passing] = [0, 0];
  for (const row of rows) {
    const value = columnValue(row, column);
    if (value === undefined || value === null || value === '') continue;
    present += 1;
    if (test(value)) passing += 1;
  }
  return present > 0 && passing >= 0.9 * present;
}

/**
 * Guesses from the names of the columns and the values of some rows.
 * @param columns names and paths, as `columnNames` gives them
 */
export function guessColumns(columns: readonly string[], rows: readonly Row[]): ColumnGuess {
  // What lies inside of conversations is not a column to choose.
  const isText = (column: string): boolean => mostly(rows, column, (value) => typeof value !== 'object');
  const isConversation = (column: string): boolean =>
    mostly(rows, column, (value) => {
      const turns = conversationOf(value);
      return turns !== null && (turns.length > 1 || Array.isArray(value));
    });
  const top = columns.filter((column) => rows.some((row) => Object.hasOwn(row, column)));
  const texts = columns.filter(isText);
  const chosen = find(top, names.chosen);
  const rejected = chosen === null ? null : find(top, names.rejected);
  const pair = rejected === null ? [] : [chosen, rejected];
  const conversations = top.filter((column) => !pair.includes(column) && isConversation(column));
  const free = texts.filter((column) => !pair.includes(column));
  const exactPrompt = find(
    free.filter((column) => !conversations.includes(column)),
    names.prompt,
  );
  // Pairs without a prompt of their own: what both share before the last turn is asked.
  const shared = exactPrompt === null && chosen !== null && rejected !== null && isConversation(chosen);
  const messages = find(conversations, names.messages) ?? conversations[0] ?? (shared ? chosen : null);
  const prompt = messages === null ? exactPrompt : null;
  const label = find(
    free.filter(
      (column) =>
        column !== prompt &&
        mostly(rows, column, (value) => typeof value !== 'object' && isVerdict(String(value))),
    ),
    names.label,
  );
  const answers = free.filter((column) => column !== prompt && column !== label);
  const endsInAnswer =
    messages !== null &&
    mostly(rows, messages, (value) => askedAndAnswered(conversationOf(value) ?? []).answer !== null);
  const companion =
    prompt === null
      ? undefined
      : companions
          .map(({ before, after, join }) => ({
            first: top.find((column) => plain(column) === before),
            second: top.find((column) => plain(column) === after),
            join,
          }))
          .find(
            ({ first, second }) =>
              first !== undefined && second !== undefined && (first === prompt || second === prompt),
          );
  return {
    prompt,
    // The last turn of the assistant is the answer where the conversation has one.
    answer: endsInAnswer ? null : find(answers, names.answer),
    system: find(free, names.system),
    messages,
    chosen: rejected === null ? null : chosen,
    rejected,
    label,
    template: companion === undefined ? null : `{${companion.first}}${companion.join}{${companion.second}}`,
  };
}
