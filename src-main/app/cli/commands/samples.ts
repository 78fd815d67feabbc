/** `espalier samples RUN`: the answers that a run sampled, as they are stored. */
import { sampleFilterSchema, type SampleRow } from '../../../contract/calls.ts';
import { finishReasonSchema } from '../../../contract/events.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { findRun, reading } from '../open-services.ts';
import { formatNumber, renderTable } from '../table.ts';

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
  ],
  run: (context, values, [run = '']) =>
    reading(context, async (services) => {
      const { id } = await findRun(services, run);
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
