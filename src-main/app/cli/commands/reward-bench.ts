/** `espalier reward-bench REWARD.json`: whether a reward says what is meant, before anything is trained by it. */
import path from 'node:path';
import { z } from 'zod';
import { userError } from '../../../contract/errors.ts';
import { plantedTexts, type BenchSource, type RewardBenchReport } from '../../../contract/reward-bench.ts';
import type { Services } from '../../services.ts';
import { defineCommand, exitCodes, type CommandContext } from '../command.ts';
import { followJob } from '../follow-job.ts';
import { findRun, openServices } from '../open-services.ts';
import { parseRows, readTextFile } from '../read-input.ts';
import { readReward } from '../reward-file.ts';
import { formatNumber, renderTable } from '../table.ts';

const rowForm = '{"prompt": "text", "response": "text", "answer": "text"}';
const rowSchema = z.looseObject({
  prompt: z.string().default(''),
  response: z.string(),
  answer: z.union([z.string(), z.number()]).default(''),
});

interface Sources {
  readonly in?: string | undefined;
  readonly references?: string | undefined;
  readonly run?: string | undefined;
  readonly model?: string | undefined;
  readonly prompt: string;
  readonly answer: string;
  readonly limit?: number | undefined;
}

async function sourceOf(context: CommandContext, services: Services, given: Sources): Promise<BenchSource> {
  const absolute = (file: string) => path.resolve(context.workingDirectory, file);
  const named = [given.in, given.references, given.run, given.model].filter((one) => one !== undefined);
  if (named.length !== 1) {
    throw userError(
      'usage',
      named.length === 0
        ? 'Nothing to grade: name where the answers come from.'
        : 'Name one source of answers, not several.',
      {
        where: 'espalier reward-bench',
        advice: 'Use --in FILE.jsonl, --references DATA, --run RUN or --model EXPERIMENT.json.',
      },
    );
  }
  if (given.in !== undefined) {
    const rows = parseRows(readTextFile(context, given.in, 'file of answers'), given.in, rowSchema, rowForm);
    return {
      from: 'pasted',
      answers: rows.map(({ prompt, response, answer }) => ({ prompt, response, reference: String(answer) })),
    };
  }
  if (given.references !== undefined) {
    const data = { path: absolute(given.references), prompt: given.prompt, answer: given.answer };
    return { from: 'references', data, limit: given.limit ?? 200 };
  }
  if (given.run !== undefined) {
    return { from: 'run', runId: (await findRun(services, given.run)).id, limit: given.limit ?? 500 };
  }
  const file = given.model ?? '';
  const text = readTextFile(context, file, 'experiment file');
  const experiment = await services.call('experiments.parse', {
    text,
    directory: path.dirname(absolute(file)),
  });
  return { from: 'model', experiment, questions: given.limit ?? 16 };
}

function show({ output }: CommandContext, report: RewardBenchReport): void {
  const { answers, questions, total, components } = report;
  output.text(
    `${formatNumber(answers)} answers to ${formatNumber(questions)} questions${
      report.groupsWithSignal === null
        ? ''
        : `; ${Math.round(100 * report.groupsWithSignal)} % of the groups carry a signal`
    }\n`,
  );
  const columns = [
    { title: 'Component' },
    ...['Mean', 'Deviation', 'Least', 'Most', 'Not gradable', 'Time an answer'].map((title) => ({
      title,
      align: 'right' as const,
    })),
  ];
  output.text(
    renderTable(
      columns,
      [...components, total].map((column) => [
        column.name,
        formatNumber(column.mean),
        formatNumber(column.deviation),
        formatNumber(column.low),
        formatNumber(column.high),
        formatNumber(column.notGradable),
        column.secondsPerAnswer === null ? '' : `${formatNumber(1000 * column.secondsPerAnswer)} ms`,
      ]),
    ),
  );
  if (report.planted.length > 0) {
    output.text('\nPlanted cheats');
    output.text(
      renderTable(
        [
          { title: 'Cheat' },
          { title: 'What it is' },
          { title: 'Mean', align: 'right' },
          { title: 'Beats', align: 'right' },
        ],
        report.planted.map(({ name, mean, beats }) => [
          name,
          plantedTexts[name],
          mean === null ? 'not gradable' : formatNumber(mean),
          beats === null ? '' : `${Math.round(100 * beats)} %`,
        ]),
      ),
    );
  }
  output.text('');
  for (const { level, message, advice } of report.advice)
    output.text(`${levelMarks[level]} ${message}\n  ${advice}`);
}

const levelMarks = { good: '✓', note: '·', warning: '!', blocking: '✗' } as const;

export const rewardBench = defineCommand({
  name: 'reward-bench',
  summary: 'try a reward on real answers and planted cheats',
  about: [
    'Grades answers without training and says what the reward would teach: spread, groups with a signal, components that disagree, what cheats get, time of each grader, and what to change. REWARD.json is the "reward" part of an experiment file, or a whole experiment file.',
    `Answers come from one of: --in, JSONL rows ${rowForm}; --references, the right answers of a data file, which should get the best rewards; --run, the stored answers of a run; --model, fresh answers of the model of an experiment file.`,
  ],
  positionals: [{ name: 'REWARD.json', help: 'a reward, or an experiment file' }],
  options: {
    in: { type: 'string', value: 'FILE.jsonl', help: 'Answers of your own; - reads standard input.' },
    references: { type: 'string', value: 'DATA', help: 'The right answers of this data file.' },
    run: { type: 'string', value: 'RUN', help: 'Stored training answers of this run.' },
    model: {
      type: 'string',
      value: 'EXPERIMENT.json',
      help: 'Fresh answers of the model of this experiment.',
    },
    prompt: {
      type: 'string',
      value: 'TEMPLATE',
      help: 'With --references: the question.',
      fallback: '{prompt}',
    },
    answer: {
      type: 'string',
      value: 'TEMPLATE',
      help: 'With --references: the right answer.',
      fallback: '{answer}',
    },
    limit: { type: 'integer', help: 'Most answers (with --model: questions).', minimum: 1, maximum: 20_000 },
    'no-cheats': { type: 'boolean', help: 'Plant no cheats.' },
  },
  examples: [
    {
      line: 'espalier reward-bench reward.json --references questions.jsonl',
      meaning: 'whether right answers get full marks, and cheats do not',
    },
    {
      line: 'espalier reward-bench resources/experiments/first-run.json --model resources/experiments/first-run.json',
      meaning: 'what the starter model gets before it has learnt anything',
    },
  ],
  exits: { 1: 'a run by this reward would learn nothing', 2: 'bad input or usage' },
  run: async (context, values, [file = '']) => {
    const reward = readReward(context, file);
    const services = openServices(context, { readOnly: true });
    try {
      const source = await sourceOf(context, services, {
        ...values,
        prompt: values.prompt ?? '{prompt}',
        answer: values.answer ?? '{answer}',
      });
      const jobId = await followJob(context, services, () =>
        services.call('rewards.bench', { reward, source, planted: !values['no-cheats'] }),
      );
      const report = await services.call('rewards.benchReport', { jobId });
      context.output.value(report);
      show(context, report);
      return report.advice.some(({ level }) => level === 'blocking') ? exitCodes.failed : exitCodes.done;
    } catch (error) {
      if (context.interrupts.signal.aborted) return exitCodes.interrupted;
      throw error;
    } finally {
      await services.close();
    }
  },
});
