/**
 * Signs that a run learns little or badly, told once in its log: what was seen, what it means, what to do. What is
 * remembered from step to step is plain data in every checkpoint, so that a continued run tells nothing twice.
 */
import { z } from 'zod';

/** Steps in a row in which a sign must show before it is told, and the steps whose mean is called the beginning. */
export const healthStreak = 10;

const meanSchema = z.strictObject({ steps: z.int().min(0), sum: z.number() });

export const healthStateSchema = z.strictObject({
  /** For each sign that shows: since which step, and its measured values. */
  streaks: z.record(z.string(), meanSchema.extend({ from: z.int() })),
  /** Signs that were told. */
  told: z.array(z.string()),
  /** Values of the first steps in which they were measured. */
  beginnings: z.record(z.string(), meanSchema),
});
export type HealthState = z.infer<typeof healthStateSchema>;

export const initialHealth: HealthState = { streaks: {}, told: [], beginnings: {} };

type Metrics = Readonly<Record<string, number>>;

interface Sign {
  readonly name: string;
  readonly metric: string;
  /** @param beginning mean of the metric over the first steps; undefined until there were enough of them */
  readonly shows: (value: number, beginning: number | undefined) => boolean;
  /** @param value mean of the metric over the steps in which the sign showed */
  readonly message: (value: number, beginning: number | undefined) => string;
}

const above =
  (limit: number) =>
  (value: number): boolean =>
    value > limit;

/** A fall below this share of the beginning counts as a collapse. */
const collapsed = 0.1;
/** Rewards and entropies this small are as good as none. */
const noSpread = 1e-6;
/** An explained variance up to this is that of a critic which says the same everywhere. */
const explained = 1e-3;
/** Nats; above it an entropy has room to fall further, however large it was. */
const lowEntropy = 0.2;

const signs: readonly Sign[] = [
  {
    name: 'zero-variance',
    metric: 'zeroVarianceShare',
    shows: above(0.5),
    message: (share) =>
      `${percent(share)} of the questions got equal rewards for all of their answers (all right or all wrong), so they taught nothing. Choose easier or harder questions, or more answers per question (method.groupSize); dapo replaces such questions by itself.`,
  },
  {
    name: 'truncation',
    metric: 'truncatedShare',
    shows: above(0.2),
    message: (share) =>
      `${percent(share)} of the answers were cut off at the longest length, so their rewards say little about how they would have ended. Raise budget.maxTokens, or check that the model has learnt to end its answers.`,
  },
  {
    name: 'clipping',
    metric: 'clipFrac',
    shows: above(0.2),
    message: (share) =>
      `${percent(share)} of the tokens were held back by the clip, so what the later updates of a step compute for them is thrown away. Lower method.learningRate, epochs or minibatches, or widen the band (clipLow, clipHigh).`,
  },
  {
    name: 'mismatch',
    metric: 'samplerLogpGapMean',
    shows: above(0.05),
    message: (gap) =>
      `sampler and learner disagree about the log-probability of a token by ${number(gap)} on average (0.05 is the limit), so the gradient is not that of the policy that answered. This is a fault of the program or of the device; the run should not be relied on.`,
  },
  {
    name: 'entropy-collapse',
    metric: 'entropyMean',
    shows: (entropy, beginning) =>
      beginning !== undefined && entropy < lowEntropy && entropy < collapsed * beginning,
    message: (entropy, beginning) =>
      `answers hardly vary any more: the entropy of the next token is ${number(entropy)} nats, ${number(beginning)} at the beginning, and what is not sampled cannot be learnt. Where the reward still rises or is at its best, this is how it should be; else set method.entropyBonus (0.001 to 0.01), raise budget.temperature or lower method.learningRate.`,
  },
  {
    name: 'reward-spread',
    metric: 'rewardStd',
    shows: (spread, beginning) =>
      spread <= noSpread || (beginning !== undefined && spread < collapsed * beginning),
    message: (spread, beginning) =>
      spread <= noSpread
        ? 'every answer got the same reward, so there is nothing to learn from. Where the reward is at its best, the run can be stopped; else check the reward.'
        : `rewards hardly differ any more: their standard deviation is ${number(spread)}, ${number(beginning)} at the beginning. Where the reward is at its best, the run can be stopped; else check whether the reward can still tell better from worse answers.`,
  },
  {
    name: 'critic',
    metric: 'explainedVariance',
    shows: (share) => share <= explained,
    message: (share) =>
      `the critic explains nothing: its explained variance is ${number(share)}, so its values are no better than one constant, and advantages are only noisier for them. Raise method.criticLearningRate (or valueCoefficient with a head), and keep method.lambda at 1 until it learns.`,
  },
];

/**
 * Takes the metrics of a step (numbered from 1); returns what is to be told after it. A metric that a step does not have,
 * as nothing was learnt in it, neither ends a streak nor lengthens it.
 */
export function watchHealth(
  { streaks, told, beginnings }: HealthState,
  step: number,
  metrics: Metrics,
): { state: HealthState; warnings: string[] } {
  const next: HealthState = { streaks: { ...streaks }, told: [...told], beginnings: { ...beginnings } };
  const warnings = signs.flatMap(({ name, metric, shows, message }) => {
    const value = metrics[metric];
    if (value === undefined || told.includes(name)) return [];
    const beginning = beginningOf(next, metric, value);
    if (!shows(value, beginning)) {
      delete next.streaks[name];
      return [];
    }
    const before = streaks[name] ?? { from: step, steps: 0, sum: 0 };
    const streak = { from: before.from, steps: before.steps + 1, sum: before.sum + value };
    next.streaks[name] = streak;
    if (streak.steps < healthStreak) return [];
    delete next.streaks[name];
    next.told.push(name);
    return [`Steps ${streak.from} to ${step}: ${message(streak.sum / streak.steps, beginning)}`];
  });
  return { state: next, warnings };
}

/** The mean over the first steps with this metric, before this one; counts this one in where there were too few. */
function beginningOf(state: HealthState, metric: string, value: number): number | undefined {
  const known = state.beginnings[metric] ?? { steps: 0, sum: 0 };
  if (known.steps >= healthStreak) return known.sum / known.steps;
  state.beginnings[metric] = { steps: known.steps + 1, sum: known.sum + value };
  return undefined;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function number(value: number | undefined): string {
  return value === undefined ? 'unknown' : String(Number(value.toPrecision(2)));
}
