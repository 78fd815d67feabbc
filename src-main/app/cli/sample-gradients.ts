/** The second half of `lab`: estimators on a user's model and questions, measured by a trainer process. */
import path from 'node:path';
import { sampledGradients } from '../../analysis/sampled-gradient.ts';
import { userError } from '../../contract/errors.ts';
import { expandExperiment } from '../../contract/expand-experiment.ts';
import type { SampledQuestion, SampledReport } from '../../contract/laboratory.ts';
import { parseExperiment } from '../../contract/parse-experiment.ts';
import { resolveExperimentPaths, trainerConfig } from '../experiment-paths.ts';
import { builtinModelsDirectory } from '../host-paths.ts';
import { exitCodes, type CommandContext } from './command.ts';
import { runJob } from './job.ts';
import { resourcesDirectory } from './open-services.ts';
import { readTextFile } from './read-input.ts';

export interface SampleBudget {
  readonly questions: number;
  /** Answers for each question. */
  readonly answers: number;
  readonly groupSize: number;
  readonly directions: number;
  readonly seed: number;
}

/** Measures and compares; the report is null where the job was stopped before its end. */
export async function sampleGradients(
  context: CommandContext,
  file: string,
  budget: SampleBudget,
): Promise<{ code: number; report: SampledReport | null }> {
  if (budget.answers < 2 * budget.groupSize) {
    throw userError(
      'answers-too-few',
      `${budget.answers} answers make fewer than two groups of ${budget.groupSize}: nothing could be compared.`,
      {
        where: '--answers',
        advice: `Use at least ${8 * budget.groupSize}; intervals narrow with the number of answers.`,
      },
    );
  }
  const directory = path.dirname(path.resolve(context.workingDirectory, file === '-' ? 'stdin' : file));
  const experiment = resolveExperimentPaths(
    parseExperiment(readTextFile(context, file, 'experiment file')),
    directory,
  );
  const [first] = expandExperiment(experiment);
  if (first === undefined) throw new Error('internal: an experiment without runs');
  const models = builtinModelsDirectory({
    resourcesDirectory: resourcesDirectory(context),
    dataDirectory: context.dataDirectory,
  });
  const config = { ...trainerConfig(first.config, models), seed: budget.seed };
  const questions: {
    greedyReward: number | null;
    greedyTokens: number;
    answers: SampledQuestion['answers'][number][];
  }[] = [];
  const started = performance.now();
  let ungradable = 0;
  const code = await runJob(
    context,
    {
      type: 'lab',
      config,
      questions: budget.questions,
      answers: budget.answers,
      directions: budget.directions,
    },
    'Measuring gradients',
    (event) => {
      if (event.type === 'lab-question') {
        if (event.greedyReward === null) ungradable += 1;
        questions.push({ greedyReward: event.greedyReward, greedyTokens: event.greedyTokens, answers: [] });
      }
      if (event.type !== 'projected') return;
      const { reward, tokens, projection } = event;
      if (reward === null) ungradable += 1;
      else questions[event.question]?.answers.push({ reward, tokens, projection });
    },
  );
  if (code !== exitCodes.done) return { code, report: null };
  if (ungradable > 0) {
    throw userError(
      'not-gradable',
      `${ungradable} answers could not be graded, so the methods cannot be compared on them.`,
      {
        where: 'reward',
        advice: 'Choose questions with right answers that the reward can check.',
      },
    );
  }
  const { groupSize, seed } = budget;
  const report = sampledGradients(questions, { groupSize, seed, budget: config.budget });
  if (questions.every(({ answers }) => answers.every(({ reward }) => reward === answers[0]?.reward))) {
    throw userError(
      'no-signal',
      'All answers to each question got the same reward: there is no gradient to compare with.',
      {
        where: 'data',
        advice: 'Choose easier or harder questions, sample more answers, or raise budget.temperature.',
      },
    );
  }
  return { code, report: { ...report, seconds: (performance.now() - started) / 1000 } };
}
