/** Signs that a run learns little or badly, told once in its log with what to do. */

/** Steps in a row in which a sign must show before it is told. */
export const healthStreak = 10;

type Metrics = Readonly<Record<string, number>>;

interface Sign {
  readonly shows: (metrics: Metrics) => boolean;
  readonly message: string;
}

function above(name: string, limit: number): (metrics: Metrics) => boolean {
  return (metrics) => (metrics[name] ?? 0) > limit;
}

const signs: readonly Sign[] = [
  {
    shows: above('zeroVarianceShare', 0.5),
    message:
      'more than half of the questions got equal rewards for all of their answers (all right or all wrong), so they taught nothing. Choose easier or harder questions, or more answers per question.',
  },
  {
    shows: above('truncatedShare', 0.2),
    message:
      'more than 20 % of the answers were cut off at the longest length. Raise budget.maxTokens, or check that the model has learnt to end its answers.',
  },
  {
    shows: above('clipFrac', 0.2),
    message:
      'more than 20 % of the tokens were held back by the clip. Lower the learning rate, the number of epochs or of minibatches.',
  },
  {
    shows: above('samplerLogpGapMean', 0.05),
    message:
      'sampler and learner disagree about the probability of tokens by more than 5 % on average. This is a fault of the program or of the device; the run should not be relied on.',
  },
  {
    shows: (metrics) => metrics['rewardStd'] !== undefined && metrics['rewardStd'] <= 1e-6,
    message:
      'every answer got the same reward, so there is nothing to learn from. Where the reward is at its best, the run can be stopped; else check the reward.',
  },
  {
    shows: (metrics) => metrics['explainedVariance'] !== undefined && metrics['explainedVariance'] <= 0,
    message:
      'the critic explains nothing: its values are no better than one constant, so advantages are only noisier for them. Raise method.criticLearningRate (or valueCoefficient with a head), and keep method.lambda at 1 until it learns.',
  },
];

/** Watches the metrics of the steps of one process; each sign is told at most once. */
export class HealthWatch {
  readonly #streaks = signs.map(() => 0);
  readonly #told = new Set<Sign>();

  /** Takes the metrics of a step (numbered from 1) and returns what is to be told after it. */
  warnings(step: number, metrics: Metrics): string[] {
    return signs.flatMap((sign, place) => {
      const streak = sign.shows(metrics) ? (this.#streaks[place] ?? 0) + 1 : 0;
      this.#streaks[place] = streak;
      if (streak < healthStreak || this.#told.has(sign)) return [];
      this.#told.add(sign);
      return [`Steps ${step - healthStreak + 1} to ${step}: ${sign.message}`];
    });
  }
}
