/**
 * Reads data as a run would and tells how the model sees it: the first rows token by token, how long all of them are,
 * which would be left out, and which questions are asked twice.
 */
import type { TokenizedReport } from '../contract/datasets.ts';
import type { TrainerCommand } from '../contract/events.ts';
import { methodSchema } from '../contract/experiment.ts';
import { pairTexts } from '../datasets/preference-pairs.ts';
import { readQuestionSets } from '../datasets/question-sets.ts';
import type { PromptRow } from '../datasets/row.ts';
import { questionKey } from '../datasets/split.ts';
import type { JobClock } from './generate-job.ts';
import { lengthHistogram } from './length-histogram.ts';
import { askedOf, promptLimits } from './prepare-prompts.ts';
import type { OpenedText } from './prepare-text.ts';
import { reportProgress } from './progress.ts';
import type { WorkContext } from './serve-commands.ts';

export type TokenizeCommand = Extract<TrainerCommand, { type: 'tokenize' }>;
type SplitReport = TokenizedReport['train'];
type Example = TokenizedReport['examples'][number];

/** Rows that are tokenised between two looks at the messages. */
const rowsAtOnce = 1024;

/**
 * Tokenises every row and emits one `tokenized` event, then `job-end`; when stopped, only the latter.
 * @throws user errors of the data set readers; `answer-too-long`
 */
export async function tokenizeJob(
  command: TokenizeCommand,
  text: OpenedText,
  context: WorkContext & JobClock,
): Promise<void> {
  const { emit, now } = context;
  const started = now();
  const { data, seed, learns } = command;
  const method = methodSchema.parse({ estimator: learns === 'answers' ? 'sft' : 'dr-grpo' });
  const sets = await readQuestionSets({ data, seed, method, reward: undefined });
  const pairs = learns === 'pairs' ? { pairs: { single: false } } : {};
  const limits = promptLimits(command, { learnsAnswers: learns === 'answers', ...pairs }, text);
  const warnings = [...sets.warnings];
  const read = (rows: readonly PromptRow[], path: string): AnsweredRow[] => {
    if (learns !== 'pairs') return rows.map((row) => ({ row, answers: [row.answer] }));
    const { texts, warnings: more } = pairTexts(rows, {
      chosen: data.chosen,
      rejected: data.rejected,
      label: undefined,
      single: false,
      path,
    });
    warnings.push(...more);
    return rows.map((row, place) => ({
      row,
      answers: [texts[place]?.chosen ?? '', texts[place]?.rejected ?? ''],
    }));
  };
  const trainRows = read(sets.train, data.path);
  const evaluationRows = read(sets.evaluation, data.evaluation ?? data.path);
  const total = trainRows.length + evaluationRows.length;
  const progress = reportProgress(context, 'training', total, 'tokenising');
  const work = { command, text, context, limits, progress };
  const train = await tokenizeSplit(trainRows, 0, work);
  const evaluation = await tokenizeSplit(evaluationRows, trainRows.length, work);
  const seconds = (now() - started) / 1000;
  const done = train.done + evaluation.done;
  const tokens = train.tokens + evaluation.tokens;
  if (done === total) {
    const report: TokenizedReport = {
      examples: await examplesOf(trainRows.slice(0, command.rows), work),
      template: text.hasTemplate,
      limit: limits.prompt,
      limitReason: limits.text,
      train: train.report,
      evaluation: evaluation.report,
      shared: sets.removed,
      tokens,
      warnings,
      seconds,
    };
    emit({ type: 'tokenized', report });
  }
  emit({ type: 'job-end', status: done === total ? 'done' : 'stopped', rows: done, tokens, seconds });
}

interface Work {
  readonly command: TokenizeCommand;
  readonly text: OpenedText;
  readonly context: WorkContext & JobClock;
  readonly limits: ReturnType<typeof promptLimits>;
  readonly progress: (finished: number) => void;
}

/** A row with the answers that are shown, and learnt where answers are learnt. */
interface AnsweredRow {
  readonly row: PromptRow;
  readonly answers: readonly string[];
}

interface TokenizedRow {
  readonly prompt: string;
  readonly promptIds: Int32Array;
  readonly answers: readonly { readonly text: string; readonly ids: Int32Array }[];
  /** Whether a run would leave the row out, and why. */
  readonly verdict: 'used' | 'too long' | 'empty';
}

async function tokenizeRows(
  rows: readonly AnsweredRow[],
  { command, text, limits }: Pick<Work, 'command' | 'text' | 'limits'>,
): Promise<TokenizedRow[]> {
  const asked = rows.flatMap(({ row, answers }) =>
    answers.map((response) => ({ prompt: askedOf(row), response })),
  );
  const encoded = await text.encodePairs(asked);
  const end = text.endId === null ? 0 : 1;
  let next = 0;
  return rows.map(({ answers }) => {
    const sides = encoded.slice(next, next + answers.length);
    next += answers.length;
    const [first] = sides;
    if (first === undefined) throw new Error('internal: a row without an answer was tokenised');
    const learnt = command.learns !== 'rewards';
    const empty = first.promptIds.length === 0 || (learnt && answers.some((answer) => answer.trim() === ''));
    const tooLong =
      first.promptIds.length > limits.prompt ||
      (learnt && sides.some(({ answerIds }) => answerIds.length + end > command.maxTokens));
    return {
      prompt: first.prompt,
      promptIds: first.promptIds,
      answers: sides.map(({ answerIds }, side) => ({ text: answers[side] ?? '', ids: answerIds })),
      verdict: empty ? 'empty' : tooLong ? 'too long' : 'used',
    };
  });
}

async function tokenizeSplit(
  rows: readonly AnsweredRow[],
  before: number,
  work: Work,
): Promise<{ report: SplitReport; tokens: number; done: number }> {
  const { context, progress } = work;
  const prompts: number[] = [];
  const answers: number[] = [];
  const seen = new Set<string>();
  const counts = { used: 0, 'too long': 0, empty: 0 };
  let [repeated, done] = [0, 0];
  for (let first = 0; first < rows.length; first += rowsAtOnce) {
    await context.pause();
    if (context.stopRequested()) break;
    const batch = rows.slice(first, first + rowsAtOnce);
    for (const tokenized of await tokenizeRows(batch, work)) {
      prompts.push(tokenized.promptIds.length);
      for (const { text, ids } of tokenized.answers) if (text !== '') answers.push(ids.length);
      counts[tokenized.verdict] += 1;
    }
    for (const { row } of batch) {
      const key = questionKey(row.prompt);
      if (seen.has(key)) repeated++;
      else seen.add(key);
    }
    done += batch.length;
    progress(before + done);
  }
  const sum = (lengths: readonly number[]): number => lengths.reduce((all, length) => all + length, 0);
  return {
    done,
    tokens: sum(prompts) + sum(answers),
    report: {
      rows: done,
      used: counts.used,
      tooLong: counts['too long'],
      empty: counts.empty,
      repeated,
      prompts: lengthHistogram(prompts),
      answers: lengthHistogram(answers),
    },
  };
}

async function examplesOf(rows: readonly AnsweredRow[], work: Work): Promise<Example[]> {
  const { text } = work;
  const tokenized = await tokenizeRows(rows, work);
  return Promise.all(
    tokenized.map(async ({ prompt, promptIds, answers, verdict }, place): Promise<Example> => ({
      index: rows[place]?.row.index ?? place,
      question: rows[place]?.row.prompt ?? '',
      prompt,
      ids: Array.from(promptIds),
      tokens: await text.pieces(promptIds),
      answers: await Promise.all(
        answers.map(async ({ text: answer, ids }) => ({
          text: answer,
          ids: Array.from(ids),
          tokens: await text.pieces(ids),
        })),
      ),
      tooLong: verdict === 'too long',
    })),
  );
}
