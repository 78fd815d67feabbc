/**
 * What estimators do on a real model, from sampled answers with measured gradients. Answers are cut into independent
 * batches; each batch gives one estimate of every estimator and one unbiased reference. Scalar products are taken only
 * between different batches, so the reference of an estimate never shares an answer with it, and their means are unbiased.
 */
import { randomSequence } from '../contract/random.ts';
import type { EstimatorSpec } from '../contract/estimator.ts';
import type {
  AnswerLook,
  Interval,
  SampledQuestion,
  SampledReport,
  SampledRow,
} from '../contract/laboratory.ts';
import { computeExactAdvantages } from '../estimators/advantages.ts';
import type { Estimator } from '../estimators/estimator.ts';
import { surrogateLoss } from '../estimators/surrogate.ts';
import { exactTokenWeights, stepTotals } from '../estimators/token-weights.ts';
import { sampledMeaning, summariseSampled } from './laboratory-words.ts';
import { measuredMethods, type MeasuringOptions } from './measured-method.ts';

const purpose = 74;
const resamples = 400;

export interface SampledOptions extends MeasuringOptions {
  readonly seed: number;
}

type Answer = SampledQuestion['answers'][number];

/**
 * Compares every method on the same answers. Answers beyond whole batches are left out.
 * @throws RangeError with fewer than two batches
 */
export function sampledGradients(
  questions: readonly SampledQuestion[],
  options: SampledOptions,
): Omit<SampledReport, 'seconds' | 'complete'> {
  const { groupSize } = options;
  const all = questions.flatMap(({ answers }) => answers);
  const batches = Math.floor(Math.min(...questions.map(({ answers }) => answers.length)) / groupSize);
  if (batches < 2) throw new RangeError(`${batches} batches: at least 2 are needed`);
  const directions = all[0]?.projection.length ?? 0;
  const mean = (of: (answer: Answer) => number): number =>
    all.reduce((sum, answer) => sum + of(answer), 0) / all.length;
  const rewardMean = mean(({ reward }) => reward);
  const references = Array.from({ length: batches }, (_, batch) =>
    referenceOf(questions, batch, groupSize, directions),
  );
  const picks = resampledBatches(batches, options.seed);
  const { measured, left } = measuredMethods(options);
  const rows = measured.map(({ estimator, spec, looks }) => {
    const estimates = Array.from({ length: batches }, (_, batch) =>
      estimateOf(questions, batch, spec, groupSize, directions, rewardMean, looks ? estimator.name : null),
    );
    return rowOf(estimator, estimates, references, picks);
  });
  return {
    questions: questions.length,
    answers: all.length,
    groupSize,
    batches,
    directions,
    generatedTokens:
      all.reduce(
        (sum, { tokens, looks = [] }) => looks.reduce((more, look) => more + look.tokens, sum + tokens),
        0,
      ) + questions.reduce((sum, { greedyTokens }) => sum + greedyTokens, 0),
    rewardMean,
    lengthMean: mean(({ tokens }) => tokens),
    rows,
    left: [...left],
    summary: summariseSampled(rows),
  };
}

interface Estimate {
  readonly gradient: Float64Array;
  readonly tokens: number;
}

/**
 * Σ over answers of factor × gradient of its log-probability, as one estimate over all questions.
 * @param look the method whose looks into answers are used; null where all tokens of an answer have the same factor
 */
function estimateOf(
  questions: readonly SampledQuestion[],
  batch: number,
  spec: EstimatorSpec,
  groupSize: number,
  directions: number,
  rewardMean: number,
  look: string | null,
): Estimate {
  const count = spec.plan.samplesPerPrompt;
  const members = questions.flatMap(({ answers }, group) =>
    answers.slice(batch * groupSize, batch * groupSize + count).map((answer) => ({ answer, group })),
  );
  const looks = look === null ? null : members.map(({ answer }) => lookOf(answer, look));
  const advantagesOf = (advantage: EstimatorSpec['advantage']) =>
    computeExactAdvantages(
      {
        groups: members.map(({ group }) => group),
        rewards: members.map(({ answer }) => answer.reward),
        lengths: members.map(({ answer }) => answer.tokens),
        greedyRewards: questions.map(({ greedyReward }) => greedyReward),
        ...(looks === null
          ? {}
          : {
              values: looks.map(({ values }) => values),
              criticValues: looks.map(({ criticValues }) => criticValues ?? []),
            }),
      },
      advantage,
      spec.kl,
      { movingAverage: rewardMean },
    );
  const { advantages, included } = advantagesOf(spec.advantage);
  const lengths = members.map(({ answer }, index) => ({ length: answer.tokens, included: included[index]! }));
  const weights = exactTokenWeights(lengths, stepTotals(lengths), spec.surrogate);
  const { gradients } = surrogateLoss(
    members.map(({ answer }, index) => ({
      logprobs: new Float64Array(answer.tokens),
      oldLogprobs: null,
      referenceLogprobs: null,
      advantages: advantages[index]!,
      weights: weights[index]!,
    })),
    spec.surrogate,
    spec.kl,
  );
  const gradient = new Float64Array(directions);
  let tokens = spec.plan.greedy ? questions.reduce((sum, { greedyTokens }) => sum + greedyTokens, 0) : 0;
  const measured = looks && advantagesOf({ ...spec.advantage, scale: 'none' }).advantages;
  members.forEach(({ answer }, index) => {
    const factors = gradients[index]!;
    const own = looks?.[index];
    if (own && measured) {
      // A batch may scale and shift advantages, but treats all tokens of an answer alike.
      const { slope, offset } = straightLine(measured[index]!, factors);
      addScaled(gradient, own.projection, -slope);
      addScaled(gradient, answer.projection, -offset);
      tokens += own.tokens;
    } else {
      // Every token of an answer has the same factor.
      addScaled(gradient, answer.projection, -(factors[0] ?? 0));
    }
    tokens += answer.tokens;
  });
  return { gradient, tokens };
}

function lookOf(answer: Answer, method: string): AnswerLook {
  const found = answer.looks?.find((look) => look.method === method);
  if (!found) throw new Error(`internal: ${method} has not looked into an answer`);
  return found;
}

/** The line through points that lie on one. */
function straightLine(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
): { readonly slope: number; readonly offset: number } {
  let least = 0;
  let most = 0;
  for (let index = 1; index < x.length; index++) {
    if (x[index]! < x[least]!) least = index;
    if (x[index]! > x[most]!) most = index;
  }
  const span = (x[most] ?? 0) - (x[least] ?? 0);
  if (span === 0) return { slope: 0, offset: y[0] ?? 0 };
  const slope = (y[most]! - y[least]!) / span;
  const offset = y[least]! - slope * x[least]!;
  for (let index = 0; index < x.length; index++) {
    const error = Math.abs(y[index]! - slope * x[index]! - offset);
    if (error > 1e-6 * (Math.abs(y[index]!) + Math.abs(offset)) + 1e-12)
      throw new Error('internal: factors of tokens do not follow their advantages');
  }
  return { slope, offset };
}

/** Reward minus the mean of the others of the batch: unbiased. */
function referenceOf(
  questions: readonly SampledQuestion[],
  batch: number,
  groupSize: number,
  directions: number,
): Float64Array {
  const gradient = new Float64Array(directions);
  for (const { answers } of questions) {
    const group = answers.slice(batch * groupSize, (batch + 1) * groupSize);
    const sum = group.reduce((total, { reward }) => total + reward, 0);
    for (const { reward, projection } of group) {
      const advantage = reward - (sum - reward) / (groupSize - 1);
      addScaled(gradient, projection, advantage / (groupSize * questions.length));
    }
  }
  return gradient;
}

function addScaled(target: Float64Array, source: ArrayLike<number>, factor: number): void {
  if (factor === 0) return;
  for (let index = 0; index < target.length; index++) target[index]! += factor * source[index]!;
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index++) sum += left[index]! * right[index]!;
  return sum;
}

interface Measures {
  readonly cosine: number | null;
  readonly scale: number | null;
  readonly bias: number | null;
  readonly directionBias: number | null;
  readonly noise: number | null;
  readonly tokensNeeded: number | null;
  readonly variance: number;
}

/** How often each batch is drawn in each resample. */
function resampledBatches(batches: number, seed: number): Int32Array[] {
  const draw = randomSequence([seed, purpose]);
  return Array.from({ length: resamples }, () => {
    const counts = new Int32Array(batches);
    for (let index = 0; index < batches; index++) counts[Math.floor(draw() * batches)]! += 1;
    return counts;
  });
}

function rowOf(
  estimator: Estimator,
  estimates: readonly Estimate[],
  references: readonly Float64Array[],
  picks: readonly Int32Array[],
): SampledRow {
  const batches = estimates.length;
  const products = (left: readonly Float64Array[], right: readonly Float64Array[]): Float64Array[] =>
    left.map((one) => Float64Array.from(right, (other) => dot(one, other)));
  const gradients = estimates.map(({ gradient }) => gradient);
  const own = products(gradients, gradients);
  const cross = products(gradients, references);
  const truth = products(references, references);
  const tokens = estimates.reduce((sum, each) => sum + each.tokens, 0) / batches;
  const whole = new Int32Array(batches).fill(1);
  const measured = measuresOf(own, cross, truth, whole, tokens);
  const drawn = picks.map((counts) => measuresOf(own, cross, truth, counts, tokens));
  const interval = (of: (measures: Measures) => number | null): Interval =>
    intervalOf(of(measured), drawn.map(of));
  const cosine = interval((each) => each.cosine);
  const scale = interval((each) => each.scale);
  const variance = Math.max(0, measured.variance);
  const row = {
    cosine,
    scale,
    bias: interval((each) => each.bias),
    directionBias: interval((each) => each.directionBias),
    noise: interval((each) => each.noise),
    tokensNeeded: interval((each) => each.tokensNeeded),
    variance,
    tokens,
    varianceCost: variance * tokens,
    verdict: verdictOf(cosine),
  };
  return { id: estimator.name, title: estimator.title, meaning: sampledMeaning(row), ...row };
}

/** Cosines whose interval is wider than this say nothing about bias. */
const tooWide = 0.5;

function verdictOf({ low, high }: Interval): SampledRow['verdict'] {
  if (low === null || high === null) return 'noisy';
  if (high < 1 - 1e-6) return 'biased';
  return high - low > tooWide ? 'noisy' : 'clear';
}

/** Means over pairs of different batches, each pair as often as both are drawn. */
function measuresOf(
  own: readonly Float64Array[],
  cross: readonly Float64Array[],
  truth: readonly Float64Array[],
  counts: Int32Array,
  tokens: number,
): Measures {
  let pairs = 0;
  let estimateSquare = 0;
  let product = 0;
  let truthSquare = 0;
  let squares = 0;
  let drawn = 0;
  for (let left = 0; left < counts.length; left++) {
    if (counts[left] === 0) continue;
    drawn += counts[left]!;
    squares += counts[left]! * own[left]![left]!;
    for (let right = 0; right < counts.length; right++) {
      const times = left === right ? 0 : counts[left]! * counts[right]!;
      if (times === 0) continue;
      pairs += times;
      estimateSquare += times * own[left]![right]!;
      product += times * cross[left]![right]!;
      truthSquare += times * truth[left]![right]!;
    }
  }
  if (pairs === 0)
    return {
      cosine: null,
      scale: null,
      bias: null,
      directionBias: null,
      noise: null,
      tokensNeeded: null,
      variance: 0,
    };
  estimateSquare /= pairs;
  product /= pairs;
  truthSquare /= pairs;
  const variance = squares / drawn - estimateSquare;
  const known = truthSquare > 0;
  /** The square root of what scalar products leave; rounding alone is nothing. */
  const length = (square: number): number => (square < 1e-12 ? 0 : Math.sqrt(square));
  const scale = known ? product / truthSquare : null;
  const signal = known && product > 0 ? product ** 2 / truthSquare : null;
  const noise = signal === null ? null : Math.sqrt(Math.max(0, variance) / signal);
  return {
    scale,
    cosine: known && estimateSquare > 0 ? product / Math.sqrt(estimateSquare * truthSquare) : null,
    bias: known ? length((estimateSquare - 2 * product + truthSquare) / truthSquare) : null,
    directionBias: signal === null ? null : length((estimateSquare * truthSquare) / product ** 2 - 1),
    noise,
    tokensNeeded: noise === null ? null : noise ** 2 * tokens,
    variance,
  };
}

/** The middle 95 % of the resamples; no interval where one in twenty of them could not tell. */
function intervalOf(value: number | null, drawn: readonly (number | null)[]): Interval {
  const known = drawn.filter((each) => each !== null).sort((a, b) => a - b);
  if (value === null || known.length < 0.95 * drawn.length) return { value, low: null, high: null };
  const at = (share: number): number => known[Math.round(share * (known.length - 1))]!;
  return { value, low: at(0.025), high: at(0.975) };
}
