/**
 * Reads data as a run would and tells how the model sees it: the first rows token by token, how long all of them are,
 * which would be left out, and which questions are asked twice.
 */
import type { TokenizedReport } from '../contract/datasets.ts';
import { EspalierError } from '../contract/errors.ts';
import type { TrainerCommand } from '../contract/events.ts';
import { methodSchema } from '../contract/experiment.ts';
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
  const { data, seed, learnsAnswers } = command;
  const method = methodSchema.parse({ estimator: learnsAnswers ? 'sft' : 'dr-grpo' });
  const sets = await readQuestionSets({ data, seed, method, reward: undefined });
  const limits = promptLimits(command, { learnsAnswers }, text);
  const total = sets.train.length + sets.evaluation.length;
  const progress = reportProgress(context, 'training', total, 'tokenising');
  const work = { command, text, context, limits, progress };
  const train = await tokenizeSplit(sets.train, 0, work);
  const evaluation = await tokenizeSplit(sets.evaluation, sets.train.length, work);
  const seconds = (now() - started) / 1000;
  const done = train.done + evaluation.done;
  const tokens = train.tokens + evaluation.tokens;
  if (done === total) {
    const report: TokenizedReport = {
      examples: await examplesOf(sets.train.slice(0, command.rows), work),
      template: text.hasTemplate,
      limit: limits.prompt,
      limitReason: limits.text,
      train: train.report,
      evaluation: evaluation.report,
      shared: sets.removed,
      tokens,
      warnings: [...sets.warnings],
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

async function tokenizeSplit(
  rows: readonly PromptRow[],
  before: number,
  { command, text, context, limits, progress }: Work,
): Promise<{ report: SplitReport; tokens: number; done: number }> {
  const prompts: number[] = [];
  const answers: number[] = [];
  const seen = new Set<string>();
  let [tooLong, empty, repeated, done] = [0, 0, 0, 0];
  for (let first = 0; first < rows.length; first += rowsAtOnce) {
    await context.pause();
    if (context.stopRequested()) break;
    const batch = rows.slice(first, first + rowsAtOnce);
    const pairs = await text.encodePairs(
      batch.map((row) => ({ prompt: askedOf(row), response: row.answer })),
    );
    for (const [place, { prompt, answer }] of batch.entries()) {
      const { promptIds, answerIds } = pairs[place]!;
      prompts.push(promptIds.length);
      answers.push(answerIds.length);
      const ended = answerIds.length + (text.endId === null ? 0 : 1);
      if (promptIds.length === 0 || (command.learnsAnswers && answer.trim() === '')) empty++;
      else if (promptIds.length > limits.prompt || (command.learnsAnswers && ended > command.maxTokens))
        tooLong++;
      const key = questionKey(prompt);
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
      used: done - tooLong - empty,
      tooLong,
      empty,
      repeated,
      prompts: lengthHistogram(prompts),
      answers: lengthHistogram(answers),
    },
  };
}

async function examplesOf(rows: readonly PromptRow[], { command, text, limits }: Work): Promise<Example[]> {
  const pairs = await text.encodePairs(rows.map((row) => ({ prompt: askedOf(row), response: row.answer })));
  return Promise.all(
    rows.map(async ({ index, prompt: question, answer }, place): Promise<Example> => {
      const { prompt, promptIds, answerIds } = pairs[place] ?? missing(index);
      return {
        index,
        question,
        prompt,
        answer,
        ids: Array.from(promptIds),
        tokens: await text.pieces(promptIds),
        answerIds: Array.from(answerIds),
        answerTokens: await text.pieces(answerIds),
        tooLong:
          promptIds.length > limits.prompt ||
          (command.learnsAnswers && answerIds.length + (text.endId === null ? 0 : 1) > command.maxTokens),
      };
    }),
  );
}

function missing(row: number): never {
  throw new EspalierError('bug', 'internal', `internal: row ${row} was not tokenised`);
}
