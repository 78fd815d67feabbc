/** Comparison of numbers as the reference files define it: |got − want| ≤ tolerance · max(1, |want|). */
import { expect } from 'vitest';

export function expectClose(got: number, want: number, tolerance: number, what: string): void {
  const bound = tolerance * Math.max(1, Math.abs(want));
  if (!(Math.abs(got - want) <= bound))
    expect.fail(`${what}: got ${got}, want ${want}, tolerance ${tolerance}`);
}

export function expectAllClose(
  got: readonly ArrayLike<number>[],
  want: readonly ArrayLike<number>[],
  tolerance: number,
  what: string,
): void {
  expect(got.length, `${what}: answers`).toBe(want.length);
  want.forEach((row, answer) => {
    expect(got[answer]?.length, `${what}: tokens of answer ${answer}`).toBe(row.length);
    for (let token = 0; token < row.length; token++) {
      expectClose(got[answer]![token]!, row[token]!, tolerance, `${what}, answer ${answer}, token ${token}`);
    }
  });
}
