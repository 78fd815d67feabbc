/**
 * The loss of a critic and its exact derivative with respect to each value, in double precision:
 * ½ · max((v − return)², (clip(v, v_old ± c) − return)²) for each token. The compiled graph computes the same and is
 * tested against this file. The clip counts the larger error, so a value that has moved far and overshot is still
 * pulled back, while one that has moved far in the right direction gets no further push.
 */

/** One answer; every list has one number for each token. */
export interface ValuedAnswer {
  readonly values: ArrayLike<number>;
  /** What the critic said before the update. */
  readonly oldValues: ArrayLike<number>;
  readonly returns: ArrayLike<number>;
  /** Aggregation and mask, as for the policy loss. */
  readonly weights: ArrayLike<number>;
}

export interface ValueTerm {
  readonly value: number;
  /** d value / d v. */
  readonly slope: number;
  /** Whether the clipped error is the larger one. */
  readonly clipped: boolean;
}

/** Loss of one token; `clip` null for the plain squared error. */
export function valueTerm(value: number, oldValue: number, target: number, clip: number | null): ValueTerm {
  const error = value - target;
  const plain = { value: (error * error) / 2, slope: error, clipped: false };
  if (clip === null) return plain;
  const bounded = Math.min(Math.max(value, oldValue - clip), oldValue + clip);
  const boundedError = bounded - target;
  const inside = bounded === value;
  return boundedError * boundedError > error * error
    ? { value: (boundedError * boundedError) / 2, slope: inside ? boundedError : 0, clipped: true }
    : plain;
}

export interface ValueLossResult {
  readonly loss: number;
  /** d loss / d value, one array for each answer. */
  readonly gradients: Float64Array[];
}

/** Σ weight × token loss over all answers of a step. Throws RangeError where lists differ in length. */
export function valueLoss(answers: readonly ValuedAnswer[], clip: number | null): ValueLossResult {
  let loss = 0;
  const gradients = answers.map(({ values, oldValues, returns, weights }) => {
    const length = values.length;
    if (oldValues.length !== length || returns.length !== length || weights.length !== length)
      throw new RangeError(`${length} values, ${oldValues.length} old values, ${returns.length} returns`);
    return Float64Array.from({ length }, (_, token) => {
      const term = valueTerm(values[token]!, oldValues[token]!, returns[token]!, clip);
      loss += weights[token]! * term.value;
      return weights[token]! * term.slope;
    });
  });
  return { loss, gradients };
}

/**
 * Share of the variance of the returns that the values explain: 1 − Var(return − value) / Var(return); 1 is perfect, 0
 * as good as one constant, negative worse than that. NaN where the returns have no spread.
 */
export function explainedVariance(answers: readonly Pick<ValuedAnswer, 'values' | 'returns'>[]): number {
  const returns = answers.flatMap((answer) => Array.from(answer.returns));
  const errors = answers.flatMap(({ values, returns: own }) =>
    Array.from(own, (target, token) => target - values[token]!),
  );
  const spread = variance(returns);
  return spread > 1e-12 ? 1 - variance(errors) / spread : NaN;
}

function variance(numbers: readonly number[]): number {
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  return numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
}
