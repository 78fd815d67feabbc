/**
 * How much each token counts in the loss. The loss of an optimizer step is Σ weight × token loss over all its
 * tokens; the weights hold the aggregation (whose denominators belong to the whole step, so that a split into
 * micro-batches changes nothing), the mask, and the bounded weight between learner and sampler.
 */
import type { Aggregation, SurrogateSpec } from '../contract/estimator.ts';
import { samplerWeights, truncatedCorrection } from './sampler-correction.ts';

/** What counts of one answer. */
export interface AnswerTokens {
  /** Tokens of the answer, end token included. */
  readonly length: number;
  /** False where the whole answer leaves the gradient (not gradable, or cut off and left out). */
  readonly included: boolean;
  /** For each token whether it counts (1) or not (0); absent where all do. */
  readonly mask?: ArrayLike<number>;
  /** Log-probabilities under learner (before the update) and sampler; both are needed for the correction. */
  readonly oldLogprobs?: ArrayLike<number> | null;
  readonly samplerLogprobs?: ArrayLike<number> | null;
}

/** The denominators of one optimizer step. */
export interface StepTotals {
  readonly answers: number;
  readonly tokens: number;
}

/**
 * Counts answers and tokens of all answers of an optimizer step, whatever micro-batches they are later split into.
 * `emptyAnswers` says whether answers without any counting token are in the number of answers.
 */
export function stepTotals(
  answers: readonly AnswerTokens[],
  emptyAnswers: 'count' | 'skip' = 'skip',
): StepTotals {
  let counted = 0;
  let tokens = 0;
  for (const answer of answers) {
    const own = countingTokens(answer);
    tokens += own;
    if (own > 0 || emptyAnswers === 'count') counted += 1;
  }
  return { answers: counted, tokens };
}

/** Weights in single precision, one array for each answer, as the learner takes them. */
export function tokenWeights(
  answers: readonly AnswerTokens[],
  totals: StepTotals,
  surrogate: Pick<SurrogateSpec, 'aggregation' | 'constantLength' | 'samplerCap'>,
): Float32Array[] {
  return exactTokenWeights(answers, totals, surrogate).map((weights) => Float32Array.from(weights));
}

/** The same in double precision: for exact analysis and tests. */
export function exactTokenWeights(
  answers: readonly AnswerTokens[],
  totals: StepTotals,
  surrogate: Pick<SurrogateSpec, 'aggregation' | 'constantLength' | 'samplerCap'>,
): Float64Array[] {
  return answers.map((answer) => {
    const weights = new Float64Array(answer.length);
    const own = countingTokens(answer);
    if (own === 0) return weights;
    weights.fill(1 / divisor(surrogate.aggregation, own, totals, surrogate.constantLength));
    if (answer.mask !== undefined) {
      for (let token = 0; token < weights.length; token++)
        weights[token]! *= answer.mask[token]! === 0 ? 0 : 1;
    }
    if (surrogate.samplerCap !== null && answer.oldLogprobs && answer.samplerLogprobs) {
      const correction = truncatedCorrection(surrogate.samplerCap);
      const factors = samplerWeights(answer.oldLogprobs, answer.samplerLogprobs, correction);
      for (let token = 0; token < weights.length; token++) weights[token]! *= factors[token]!;
    }
    return weights;
  });
}

function divisor(
  aggregation: Aggregation,
  ownTokens: number,
  totals: StepTotals,
  constantLength: number,
): number {
  switch (aggregation) {
    case 'tokenMean':
      return totals.tokens;
    case 'seqTokenMean':
      return ownTokens * totals.answers;
    case 'constant':
      return totals.answers * constantLength;
    case 'seqSum':
      return totals.answers;
    case 'tokenSum':
      return 1;
  }
}

function countingTokens(answer: AnswerTokens): number {
  if (!answer.included) return 0;
  if (answer.mask === undefined) return answer.length;
  if (answer.mask.length !== answer.length) {
    throw new RangeError(`mask of ${answer.mask.length} for ${answer.length} tokens`);
  }
  let count = 0;
  for (let token = 0; token < answer.length; token++) if (answer.mask[token] !== 0) count += 1;
  return count;
}
