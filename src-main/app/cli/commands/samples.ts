/** `espalier samples RUN`: the answers that a run sampled, as they are stored. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sampleFilterSchema, type SampleRow } from '../../../contract/calls.ts';
import { EspalierError, userError } from '../../../contract/errors.ts';
import { finishReasonSchema } from '../../../contract/events.ts';
import { bestAnswers } from '../../best-answers.ts';
import { questionsOfRun, samplePairs } from '../../sample-pairs.ts';
import type { Services } from '../../services.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { findRun, reading } from '../open-services.ts';
import { formatNumber, renderTable } from '../table.ts';

/** Answers asked of the store at a time. */
const pageSize = 1000;

/** Every training answer of a run. */
async function trainingAnswers(services: Services, runId: string): Promise<SampleRow[]> {
  const rows: SampleRow[] = [];
  for (;;) {
    const page = await services.call('samples.list', {
      runId,
      split: 'train',
      sort: 'oldest',
      offset: rows.length,
      limit: pageSize,
    });
    rows.push(...page.rows);
    if (page.rows.length === 0 || rows.length >= page.total) return rows;
  }
}

/** Writes lines made from the training answers of a run, one JSON object a line; returns their number. */
async function writeLines(
  services: Services,
  runId: string,
  file: string,
  make: (
    answers: readonly SampleRow[],
    questions: Awaited<ReturnType<typeof questionsOfRun>>,
  ) => readonly object[],
): Promise<number> {
  const { config } = await services.call('runs.get', { runId });
  const lines = make(await trainingAnswers(services, runId), await questionsOfRun(config));
  try {
    await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  } catch (error) {
    throw new EspalierError(
      'environment',
      'write-failed',
      `The file could not be written: ${error instanceof Error ? error.message : String(error)}`,
      { where: file, advice: 'Check the folder and the right to write there.', cause: error },
    );
  }
  return lines.length;
}

const sorts = sampleFilterSchema.shape.sort.unwrap().options;
const defaultLimit = 20;

function table(rows: readonly SampleRow[]): string {
  return renderTable(
    [
      { title: 'Id', align: 'right' },
      { title: 'Step', align: 'right' },
      { title: 'Set' },
      { title: 'Reward', align: 'right' },
      { title: 'Finish' },
      { title: 'Question', maximum: 40 },
      { title: 'Answer', maximum: 40 },
      { title: 'Right answer', maximum: 20 },
    ],
    rows.map((row) => [
      String(row.id),
      String(row.step),
      row.split === 'train' ? 'train' : 'held-out',
      formatNumber(row.reward),
      row.finish,
      row.prompt,
      row.text,
      row.reference,
    ]),
  );
}

export const samples = defineCommand({
  name: 'samples',
  summary: 'the answers of a run',
  about: [
    'Every answer of a run is stored. Lists those that pass the filter; --tokens adds the numbers of each token to the JSON.',
  ],
  positionals: [{ name: 'RUN', help: 'a run by its name, the beginning of it, or "last"' }],
  options: {
    step: { type: 'integer', help: 'Only answers of this step.', minimum: 0 },
    split: {
      type: 'string',
      value: 'SET',
      help: 'Only answers of this set.',
      choices: ['train', 'evaluation'],
    },
    finish: {
      type: 'string',
      value: 'REASON',
      help: 'Only answers that ended so.',
      choices: finishReasonSchema.options,
    },
    question: { type: 'integer', help: 'Only answers to this question, by its number.', minimum: 0 },
    'min-reward': { type: 'number', help: 'Only answers with at least this reward.' },
    'max-reward': { type: 'number', help: 'Only answers with at most this reward.' },
    search: { type: 'string', help: 'Only answers with these words in question or answer.' },
    sort: {
      type: 'string',
      value: 'ORDER',
      help: 'Order of the answers.',
      choices: sorts,
      fallback: 'newest',
    },
    offset: { type: 'integer', help: 'Leave out this many.', minimum: 0, fallback: '0' },
    limit: {
      type: 'integer',
      help: 'At most this many.',
      minimum: 1,
      maximum: 1000,
      fallback: String(defaultLimit),
    },
    pairs: {
      type: 'string',
      value: 'FILE',
      help: 'Write pairs for methods that learn from preferences, as JSONL: the best and the worst training answer to each question in each step. The filter does not apply.',
    },
    best: {
      type: 'string',
      value: 'FILE',
      help: 'Write training rows for sft, as JSONL: the best training answer to each question that ended by itself; with --min-reward every different answer with at least this reward. No other filter applies.',
    },
    tokens: {
      type: 'boolean',
      help: 'With --json: tokens, log-probabilities, advantages and entropies of each answer.',
    },
  },
  examples: [
    {
      line: 'espalier samples last --sort worst --limit 5',
      meaning: 'the five worst answers of the newest run',
    },
    {
      line: 'espalier samples last --step 100 --tokens --json',
      meaning: 'answers of step 100 with the numbers of each token',
    },
    {
      line: 'espalier samples last --pairs pairs.jsonl',
      meaning: 'pairs of good and bad answers, to learn from with dpo',
    },
    {
      line: 'espalier samples last --best best.jsonl --min-reward 1',
      meaning: 'every right answer, to learn with sft',
    },
  ],
  run: (context, values, [run = '']) =>
    reading(context, async (services) => {
      if (values.pairs !== undefined && values.best !== undefined) {
        throw userError('options-exclusive', 'Pairs and best answers are written one at a time.', {
          where: '--best',
          advice: 'Leave one of --pairs and --best out.',
        });
      }
      const { id } = await findRun(services, run);
      if (values.pairs !== undefined) {
        const file = path.resolve(context.workingDirectory, values.pairs);
        const count = await writeLines(services, id, file, samplePairs);
        context.output.value({ rows: [], total: 0, pairs: { path: file, count } });
        context.output.text(
          count === 0
            ? `Written to ${file}: no pairs, because no question had answers of different rewards.`
            : `Written to ${file}: ${formatNumber(count)} pairs.`,
        );
        return exitCodes.done;
      }
      if (values.best !== undefined) {
        const file = path.resolve(context.workingDirectory, values.best);
        const minReward = values['min-reward'];
        const count = await writeLines(services, id, file, (answers, questions) =>
          bestAnswers(answers, questions, minReward),
        );
        context.output.value({ rows: [], total: 0, best: { path: file, count } });
        context.output.text(
          count === 0
            ? `Written to ${file}: no answers, because none that ended by itself has such a reward.`
            : `Written to ${file}: ${formatNumber(count)} answers.`,
        );
        return exitCodes.done;
      }
      const filter = sampleFilterSchema.parse({
        runId: id,
        step: values.step,
        split: values.split,
        finish: values.finish,
        promptIndex: values.question,
        minReward: values['min-reward'],
        maxReward: values['max-reward'],
        search: values.search,
        sort: values.sort,
        offset: values.offset,
        limit: values.limit ?? defaultLimit,
      });
      const { rows, total } = await services.call('samples.list', filter);
      const { output } = context;
      if (output.json) {
        const detailed = values.tokens
          ? await Promise.all(rows.map((row) => services.call('samples.get', { id: row.id })))
          : rows;
        output.value({ rows: detailed, total });
      }
      output.text(rows.length === 0 ? 'No answers pass this filter.' : table(rows));
      if (total > rows.length && rows.length > 0) {
        output.text(
          `\n${formatNumber(rows.length)} of ${formatNumber(total)} answers; --limit and --offset show others.`,
        );
      }
      return exitCodes.done;
    }),
});
