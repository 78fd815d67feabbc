/** `espalier lab`: what every estimator does on average, exactly, on a small decision process. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EspalierError, userError } from '../../../contract/errors.ts';
import { estimatorNames, estimatorNameSchema, type EstimatorName } from '../../../contract/estimator.ts';
import { explainIssues } from '../../../contract/explain-issues.ts';
import { nearestName } from '../../../contract/nearest-name.ts';
import {
  laboratorySettingsSchema,
  processFileSchema,
  sampledOptionsSchema,
  type DecisionProcess,
  type Interval,
} from '../../../contract/laboratory.ts';
import { examineProcess } from '../../../analysis/laboratory.ts';
import { laboratoryPicture } from '../../../analysis/laboratory-picture.ts';
import { sampledPicture } from '../../../analysis/sampled-picture.ts';
import { laboratoryDirectory } from '../../host-paths.ts';
import { laboratoryProcesses } from '../../laboratory-processes.ts';
import { defineCommand, exitCodes, type CommandContext } from '../command.ts';
import { resourcesDirectory } from '../open-services.ts';
import { toJson } from '../output.ts';
import { readTextFile } from '../read-input.ts';
import { sampleGradients } from '../sample-gradients.ts';
import { formatNumber, renderTable } from '../table.ts';

const verdicts = { unbiased: 'unbiased', multiple: 'right direction', biased: 'biased' } as const;

const sampledVerdicts = { clear: 'no evidence of bias', biased: 'biased', noisy: 'too noisy' } as const;

interface NamedProcess {
  readonly title: string;
  readonly process: DecisionProcess;
}

/** The process of a file, or the one that ships. */
async function openProcess(context: CommandContext, name: string | undefined): Promise<NamedProcess> {
  if (name === undefined) {
    const [first] = await laboratoryProcesses(
      laboratoryDirectory({ resourcesDirectory: resourcesDirectory(context) }),
    );
    if (first === undefined) throw new Error('internal: no process ships');
    return first;
  }
  const text = readTextFile(context, name, 'process file');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw userError(
      'process-json',
      `The process file is no JSON: ${error instanceof Error ? error.message : ''}`,
      {
        where: name,
        advice: 'Its form is in docs/laboratory.md; a process that works is in resources/laboratory.',
      },
    );
  }
  const parsed = processFileSchema.safeParse(document);
  if (!parsed.success)
    throw explainIssues(processFileSchema, document, parsed.error.issues, 'process-invalid', '');
  const { title = path.basename(name), about: _about, ...process } = parsed.data;
  return { title, process };
}

/** Writes the report where --out says: JSON, or a picture where the name ends with .svg. */
function write(context: CommandContext, name: string, json: string, picture: () => string): string {
  const file = path.resolve(context.workingDirectory, name);
  const ending = path.extname(file).toLowerCase();
  if (ending !== '.json' && ending !== '.svg') {
    throw userError(
      'out-ending',
      `--out takes a file that ends with .json or .svg, not ${ending === '' ? 'no ending' : ending}.`,
      {
        where: '--out',
        advice: 'For example --out laboratory.svg.',
      },
    );
  }
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, ending === '.svg' ? picture() : `${json}\n`);
  } catch (error) {
    throw new EspalierError(
      'environment',
      'out-unwritable',
      `The file cannot be written: ${error instanceof Error ? error.message : ''}`,
      {
        where: file,
        cause: error,
      },
    );
  }
  return file;
}

interface SampleValues {
  readonly questions: number | undefined;
  readonly answers: number | undefined;
  readonly group: number | undefined;
  readonly directions: number | undefined;
  readonly seed: number | undefined;
  readonly estimators: string | undefined;
  readonly out: string | undefined;
}

function namesOf(list: string | undefined): string[] {
  return (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Methods by name; undefined for all. */
function methodsOf(list: string | undefined): EstimatorName[] | undefined {
  const names = namesOf(list);
  if (names.length === 0) return undefined;
  return names.map((name) => {
    const parsed = estimatorNameSchema.safeParse(name);
    if (parsed.success) return parsed.data;
    const near = nearestName(name, estimatorNames);
    throw userError('estimator-unknown', `There is no method "${name}" to measure.`, {
      where: '--estimators',
      advice: near === undefined ? `There are: ${estimatorNames.join(', ')}.` : `Did you mean ${near}?`,
    });
  });
}

/** `--sample`: the methods on a real model. */
async function measure(context: CommandContext, experiment: string, values: SampleValues): Promise<number> {
  const { output } = context;
  const { questions, answers, group: groupSize, directions, seed } = values;
  const { code, report } = await sampleGradients(
    context,
    experiment,
    sampledOptionsSchema.parse({
      questions,
      answers,
      groupSize,
      directions,
      seed,
      methods: methodsOf(values.estimators),
    }),
  );
  if (report === null) return code;
  const file =
    values.out === undefined
      ? null
      : write(context, values.out, toJson(report), () => sampledPicture(report, path.basename(experiment)));
  output.value(report);
  const interval = ({ value, low, high }: Interval): string =>
    low === null
      ? formatNumber(value)
      : `${formatNumber(value)} [${formatNumber(low)}, ${formatNumber(high)}]`;
  output.text(
    `${formatNumber(report.answers)} answers to ${report.questions} questions, mean reward ${formatNumber(report.rewardMean)}, mean length ${formatNumber(report.lengthMean)}; ${report.batches} independent estimates each\n`,
  );
  output.text(
    renderTable(
      [
        { title: 'method' },
        { title: 'verdict' },
        ...['cosine', 'off course', 'noise', 'variance', 'tokens', 'variance × tokens', 'tokens needed'].map(
          (title) => ({
            title,
            align: 'right' as const,
          }),
        ),
      ],
      report.rows.map((row) => [
        row.id,
        sampledVerdicts[row.verdict],
        interval(row.cosine),
        interval(row.directionBias),
        interval(row.noise),
        formatNumber(row.variance),
        formatNumber(row.tokens),
        formatNumber(row.varianceCost),
        interval(row.tokensNeeded),
      ]),
    ),
  );
  output.text('');
  for (const sentence of report.summary) output.text(sentence);
  for (const row of report.rows) output.text(`${row.title}: ${row.meaning}`);
  for (const { title, reason } of report.left) output.text(`${title} is not in the table. ${reason}`);
  if (!report.complete) output.note('It was ended before its last answer: this is what was measured so far.');
  if (file !== null) output.note(`Written to ${file}`);
  return code;
}

export const lab = defineCommand({
  name: 'lab',
  summary: 'what each estimator does to bias, variance and cost',
  about: [
    'Goes through every batch of answers that a small decision process can produce, and so computes exactly what each estimator does on average and how much it varies: no sampling, no rounding but that of the machine. Shows the Trajectory Policy Gradient Theorem on the same process: rewards of single tokens and one reward for the whole answer have the same gradient.',
    'With --sample the methods are measured on a real model instead: answers to a few questions of the experiment are sampled, the gradient of each answer is measured along random directions, and each method is compared with a reference from other answers. Methods that look into answers (VinePPO, TRePO, PPO) are measured by themselves, which takes longer; --estimators chooses. Intervals hold 95 %; Ctrl+C ends it and shows what was measured so far. Groups have four answers there unless --group says otherwise.',
    'Without --process a process that ships is taken (resources/laboratory). The form of a process file, and what each number means, is in docs/laboratory.md.',
  ],
  positionals: [],
  options: {
    process: { type: 'string', value: 'FILE.json', help: 'The decision process; - reads standard input.' },
    estimators: {
      type: 'string',
      value: 'A,B',
      help: 'Only these rows: ids, methods or families, with commas between.',
    },
    out: {
      type: 'string',
      value: 'FILE',
      help: 'Also writes the report: .json for the numbers, .svg for a picture.',
    },
    group: {
      type: 'integer',
      minimum: 2,
      maximum: 8,
      fallback: '3',
      help: 'Answers per question for methods that compare them.',
    },
    continuations: {
      type: 'integer',
      minimum: 1,
      maximum: 64,
      fallback: '2',
      help: 'Continuations for each checkpoint of VinePPO and TRePO.',
    },
    stride: { type: 'integer', minimum: 1, maximum: 6, fallback: '2', help: 'Letters between checkpoints.' },
    coin: {
      type: 'number',
      minimum: 0.001,
      maximum: 1,
      fallback: '0.5',
      help: 'Chance of a checkpoint where coins draw them.',
    },
    discount: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      fallback: '0.9',
      help: 'Discount of the rows that have one.',
    },
    'critic-error': {
      type: 'number',
      minimum: 0,
      maximum: 10,
      fallback: '0.5',
      help: 'Standard deviation of the mistakes of the wrong critic.',
    },
    seed: {
      type: 'integer',
      minimum: 0,
      maximum: 2147483647,
      fallback: '1',
      help: 'Which token rewards and which mistakes of the critic are drawn.',
    },
    sample: {
      type: 'string',
      value: 'EXPERIMENT.json',
      help: 'Measure on the model, questions and reward of this experiment instead of a small process; - reads standard input.',
    },
    questions: {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      fallback: '4',
      help: 'With --sample: questions.',
    },
    answers: {
      type: 'integer',
      minimum: 4,
      maximum: 100000,
      fallback: '256',
      help: 'With --sample: answers to each question. More narrow the intervals.',
    },
    directions: {
      type: 'integer',
      minimum: 8,
      maximum: 65536,
      fallback: '1024',
      help: 'With --sample: random directions that gradients are measured along.',
    },
  },
  examples: [
    { line: 'espalier lab', meaning: 'every estimator on the process that ships' },
    {
      line: 'espalier lab --estimators grpo,dr-grpo,rloo --group 4',
      meaning: 'three methods with groups of four answers',
    },
    {
      line: 'espalier lab --process mine.json --out mine.svg --json',
      meaning: 'a process of yours, as numbers and as a picture',
    },
    {
      line: 'espalier lab --sample resources/experiments/first-run.json --answers 1024',
      meaning: 'the methods on the starter model, by sampling',
    },
  ],
  run: async (context, values) => {
    const { output } = context;
    if (values.sample !== undefined) return measure(context, values.sample, values);
    const { title, process } = await openProcess(context, values.process);
    const report = await examineProcess(process, {
      estimators: namesOf(values.estimators),
      settings: laboratorySettingsSchema.parse({
        groupSize: values.group,
        continuations: values.continuations,
        stride: values.stride,
        coin: values.coin,
        discount: values.discount,
        criticError: values['critic-error'],
        seed: values.seed,
      }),
    });
    const file =
      values.out === undefined
        ? null
        : write(context, values.out, toJson(report), () => laboratoryPicture(report, title));
    output.value(report);
    output.text(
      `${title}: ${report.answers.length} answers, expected reward ${formatNumber(report.expectedReward)}\n`,
    );
    output.text(
      renderTable(
        [
          { title: 'id' },
          { title: 'verdict' },
          ...[
            'scale',
            'cosine',
            'bias',
            'variance',
            'noise',
            'answers',
            'tokens',
            'variance × tokens',
            'tokens needed',
          ].map((name) => ({ title: name, align: 'right' as const })),
        ],
        report.rows.map((row) => [
          row.id,
          verdicts[row.verdict],
          ...[
            row.scale,
            row.cosine,
            row.verdict === 'unbiased' ? 0 : row.bias,
            row.variance,
            row.noise,
            row.answers,
            row.tokens,
            row.varianceCost,
            row.tokensNeeded,
          ].map(formatNumber),
        ]),
      ),
    );
    output.text('');
    for (const sentence of report.summary) output.text(sentence);
    for (const { title: method, reason } of report.left)
      output.text(`${method} is not in the table. ${reason}`);
    if (file !== null) output.note(`Written to ${file}`);
    return exitCodes.done;
  },
});
