/** Whether two sides did the same work: the first loss and gradient at the same weights must be the same numbers. */
import type { Measured } from './stopwatch.ts';

/** Largest relative differences: float32 sums in another order, and no more. */
const limits = { firstLoss: 1e-5, firstNorm: 1e-4 } as const;
const names = { firstLoss: 'first loss', firstNorm: 'first gradient norm' } as const;

/** What differs, as a sentence; null where both agree within rounding. */
export function differentWork(espalier: Measured, peer: Measured): string | null {
  for (const key of ['firstLoss', 'firstNorm'] as const) {
    const [own, other] = [espalier[key] ?? NaN, peer[key] ?? NaN];
    const difference = Math.abs(own - other) / Math.abs(other);
    if (!(difference <= limits[key])) {
      return `${names[key]} ${own}, the peer has ${other}, apart by ${difference.toExponential(1)}; at most ${limits[key]} is rounding.`;
    }
  }
  return null;
}
