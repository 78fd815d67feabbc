/** Comparison of arrays of numbers that says where and by how much they differ. */
import { expect } from 'vitest';

/** Largest |a − b| over an array; NaN and a different length count as infinite. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let index = 0; index < a.length; index++) {
    const difference = Math.abs(a[index]! - b[index]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}

export function largestSize(a: ArrayLike<number>): number {
  let largest = 0;
  for (let index = 0; index < a.length; index++) largest = Math.max(largest, Math.abs(a[index]!));
  return largest;
}

/** Expects |a − b| ≤ absolute + relative · |b| for each pair. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 0, relative = 0 }: { absolute?: number; relative?: number },
  what: string,
): void {
  expect(actual.length, `length of ${what}`).toBe(expected.length);
  for (let index = 0; index < expected.length; index++) {
    const bound = absolute + relative * Math.abs(expected[index]!);
    if (!(Math.abs(actual[index]! - expected[index]!) <= bound))
      expect.fail(
        `${what}[${index}]: ${actual[index]} instead of ${expected[index]} (± ${bound.toExponential(1)})`,
      );
  }
}
