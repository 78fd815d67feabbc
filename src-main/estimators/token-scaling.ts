/** Centring and whitening of advantages over all tokens of a batch (REINFORCE++). */
import type { AdvantageSpec } from '../contract/estimator.ts';
import { noSignalTolerance } from './group-statistics.ts';

/**
 * Shifts all tokens of included answers, in place, to mean 0 (`batchTokensCenter`) and also scales them to
 * deviation 1 (`batchTokens`). Every token counts once, so long answers weigh more. Where all tokens are equal
 * (spread at most the tolerance) or there is just one, the result is 0.
 */
export function scaleOverTokens(
  advantages: readonly (Float32Array | Float64Array)[],
  included: readonly boolean[],
  spec: AdvantageSpec,
): void {
  let count = 0;
  let sum = 0;
  let low = Infinity;
  let high = -Infinity;
  const each = advantages.filter((_, answer) => included[answer]);
  for (const tokens of each) {
    count += tokens.length;
    for (let token = 0; token < tokens.length; token++) {
      const value = tokens[token]!;
      sum += value;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (count === 0) return;
  if (high - low <= noSignalTolerance) {
    for (const tokens of each) tokens.fill(0);
    return;
  }
  const center = sum / count;
  let scale = 1;
  if (spec.scale === 'batchTokens') {
    let squares = 0;
    for (const tokens of each) {
      for (let token = 0; token < tokens.length; token++) {
        const deviation = tokens[token]! - center;
        squares += deviation * deviation;
      }
    }
    const variance = squares / Math.max(count - spec.ddof, 1);
    scale = 1 / Math.sqrt(spec.epsAt === 'floorVar' ? Math.max(variance, spec.eps) : variance + spec.eps);
  }
  for (const tokens of each) {
    for (let token = 0; token < tokens.length; token++) tokens[token] = (tokens[token]! - center) * scale;
  }
}
