/**
 * A measurement of estimators on a user's model, as the trainer process is asked for it and as its answers are compared.
 * The command line and the window share it.
 */
import { measuredMethods, type MeasuringOptions } from '../analysis/measured-method.ts';
import { sampledGradients } from '../analysis/sampled-gradient.ts';
import { userError } from '../contract/errors.ts';
import type { TrainerCommand, TrainerEvent } from '../contract/events.ts';
import { expandExperiment } from '../contract/expand-experiment.ts';
import { methodSchema, type Experiment, type RunConfig } from '../contract/experiment.ts';
import type { SampledOptions, SampledQuestion, SampledReport } from '../contract/laboratory.ts';
import { trainerConfig } from './experiment-paths.ts';

export type MeasuringCommand = Extract<TrainerCommand, { type: 'lab' }>;

export interface Measurement {
  readonly command: MeasuringCommand;
  /** Takes what the trainer process sends. */
  take(event: TrainerEvent): void;
  /** Answers that are measured so far. */
  measured(): number;
  /**
   * What the answers so far say; null where they are too few to compare.
   * @throws user error `not-gradable`, `no-signal`
   */
  report(): Omit<SampledReport, 'seconds'> | null;
}

/**
 * Prepares the measurement of the first run of an experiment.
 * @param experiment with absolute paths
 * @throws user error `answers-too-few`, `reward-missing`, `methods-none`
 */
export function prepareMeasurement(
  experiment: Experiment,
  options: SampledOptions,
  modelsDirectory: string,
): Measurement {
  const { questions, answers, groupSize, directions, seed } = options;
  if (answers < 2 * groupSize) {
    throw userError(
      'answers-too-few',
      `${answers} answers make fewer than two groups of ${groupSize}: nothing could be compared.`,
      {
        where: 'options.answers',
        advice: `Use at least ${8 * groupSize}; intervals narrow with the number of answers.`,
      },
    );
  }
  const [first] = expandExperiment(experiment);
  if (first === undefined) throw new Error('internal: an experiment without runs');
  if (first.config.reward === undefined) {
    throw userError('reward-missing', 'Estimators learn from rewards, but the experiment has none.', {
      where: 'reward',
      advice: 'Choose an experiment with a reward, or add one.',
    });
  }
  const asked: MeasuringOptions = {
    groupSize,
    budget: first.config.budget,
    own: first.config.method,
    methods: options.methods,
  };
  const { measured, left } = measuredMethods(asked);
  if (measured.length === 0) {
    throw userError('methods-none', 'None of these methods can be measured.', {
      where: 'options.methods',
      advice: `${left.map(({ title, reason }) => `${title}: ${reason}`).join(' ')}`,
    });
  }
  const config = {
    ...trainerConfig(first.config, modelsDirectory),
    seed,
    method: measuringMethod(first.config, measured.find(({ spec }) => spec.critic)?.method),
  };
  const questionList: {
    greedyReward: number | null;
    greedyTokens: number;
    answers: SampledQuestion['answers'][number][];
  }[] = [];
  let count = 0;
  let ungradable = 0;
  return {
    command: {
      type: 'lab',
      config,
      questions,
      answers,
      groupSize,
      directions,
      looks: measured.flatMap(({ looks, method }) => (looks ? [method] : [])),
    },
    measured: () => count,
    take: (event) => {
      if (event.type === 'lab-question') {
        if (event.greedyReward === null) ungradable += 1;
        questionList.push({
          greedyReward: event.greedyReward,
          greedyTokens: event.greedyTokens,
          answers: [],
        });
      }
      if (event.type !== 'projected') return;
      const { reward, tokens, projection, looks } = event;
      count += 1;
      if (
        reward === null ||
        looks.some(({ values, criticValues }) => values === null && criticValues === null)
      )
        ungradable += 1;
      else questionList[event.question]?.answers.push({ reward, tokens, projection, looks });
    },
    report: () => {
      if (ungradable > 0) {
        throw userError(
          'not-gradable',
          `${ungradable} answers could not be graded, so the methods cannot be compared on them.`,
          {
            where: 'reward',
            advice:
              'Choose questions with right answers that the reward can check, and keep answers that are cut off (reward.truncated).',
          },
        );
      }
      const fewest = Math.min(...questionList.map((question) => question.answers.length));
      if (questionList.length < questions || fewest < 2 * groupSize) return null;
      if (
        questionList.every((question) =>
          question.answers.every(({ reward }) => reward === question.answers[0]?.reward),
        )
      ) {
        throw userError(
          'no-signal',
          'All answers to each question got the same reward: there is no gradient to compare with.',
          {
            where: 'data',
            advice: 'Choose easier or harder questions, sample more answers, or raise budget.temperature.',
          },
        );
      }
      return {
        ...sampledGradients(questionList, { ...asked, seed }),
        complete: count === questions * answers,
      };
    },
  };
}

/** The method that the trainer process prepares for: the plainest one that needs what is measured. */
function measuringMethod(
  { method }: RunConfig,
  withCritic: RunConfig['method'] | undefined,
): RunConfig['method'] {
  const { learningRate } = method;
  // A critic of its own, so that the policy stays as it is while the critic is fitted.
  return withCritic === undefined
    ? methodSchema.parse({ estimator: 'rloo', learningRate })
    : methodSchema.parse({ ...withCritic, critic: 'own', learningRate });
}
