/** Centring and whitening of advantages over all tokens of a batch (REINFORCE++). */
import type { AdvantageSpec } from '../contract/estimator.ts';
import { noSignalTolerance } from './group-statistics.ts';

/** An affine map of advantages: value → (value − center) × scale. */
interface Scaling {
  readonly center: number;
  readonly scale: number;
}

/** Sums around a pivot near the values, so that one pass gives the variance without losing digits. */
interface TokenSums {
  count: number;
  pivot: number;
  sum: number;
  squares: number;
  low: number;
  high: number;
}

function emptySums(): TokenSums {
  return { count: 0, pivot: 0, sum: 0, squares: 0, low: Infinity, high: -Infinity };
}

/** Adds values, each `times` over. Locals and no calls inside: the loop goes over every token of a batch. */
function addValues(sums: TokenSums, values: Float32Array | Float64Array, times: number): void {
  if (values.length === 0 || times === 0) return;
  if (sums.count === 0) sums.pivot = values[0]!;
  const pivot = sums.pivot;
  let { low, high } = sums;
  let sum = 0;
  let squares = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    const shifted = value - pivot;
    sum += shifted;
    squares += shifted * shifted;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  sums.count += values.length * times;
  sums.sum += sum * times;
  sums.squares += squares * times;
  sums.low = low;
  sums.high = high;
}

/** The map to mean 0 (and deviation 1); null where there is no spread to scale. */
function scalingOf(sums: TokenSums, spec: AdvantageSpec): Scaling | null {
  if (sums.count === 0 || sums.high - sums.low <= noSignalTolerance) return null;
  const center = sums.pivot + sums.sum / sums.count;
  if (spec.scale === 'batchTokensCenter') return { center, scale: 1 };
  const variance =
    Math.max(sums.squares - sums.sum ** 2 / sums.count, 0) / Math.max(sums.count - spec.ddof, 1);
  const bounded = spec.epsAt === 'floorVar' ? Math.max(variance, spec.eps) : variance + spec.eps;
  return { center, scale: 1 / Math.sqrt(bounded) };
}

/**
 * Shifts all tokens of included answers, in place, to mean 0 (`batchTokensCenter`) and also scales them to
 * deviation 1 (`batchTokens`). Every token counts once, so long answers weigh more. Where all tokens are equal
 * (spread at most the tolerance) the result is 0.
 */
export function scaleOverTokens(
  advantages: readonly (Float32Array | Float64Array)[],
  included: readonly boolean[],
  spec: AdvantageSpec,
): void {
  const sums = emptySums();
  const each = advantages.filter((_, answer) => included[answer]);
  for (const tokens of each) addValues(sums, tokens, 1);
  const scaling = scalingOf(sums, spec);
  for (const tokens of each) applyScaling(tokens, scaling);
}

function applyScaling(tokens: Float32Array | Float64Array, scaling: Scaling | null): void {
  if (scaling === null) {
    tokens.fill(0);
    return;
  }
  const { center, scale } = scaling;
  for (let token = 0; token < tokens.length; token++) tokens[token] = (tokens[token]! - center) * scale;
}

/** The same, where all tokens of an answer have one advantage: `perAnswer` is changed in place. */
export function scaleOverEqualTokens(
  perAnswer: Float64Array,
  lengths: ArrayLike<number>,
  included: readonly boolean[],
  spec: AdvantageSpec,
): void {
  const sums = emptySums();
  perAnswer.forEach((_, answer) => {
    if (included[answer]) addValues(sums, perAnswer.subarray(answer, answer + 1), lengths[answer]!);
  });
  const scaling = scalingOf(sums, spec);
  perAnswer.forEach((_, answer) => {
    if (included[answer]) applyScaling(perAnswer.subarray(answer, answer + 1), scaling);
  });
}
