import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learningRateAt } from '../../../src-main/training/schedule.ts';

const kinds = ['constant', 'linear', 'cosine'] as const;

describe('learningRateAt', () => {
  it('rises over the warm-up and reaches the peak at its last step', () => {
    const settings = { kind: 'constant', peak: 4, warmupSteps: 4, steps: 10 } as const;
    expect([0, 1, 2, 3, 4, 9].map((step) => learningRateAt(settings, step))).toEqual([1, 2, 3, 4, 4, 4]);
  });

  it('falls by the known values of linear and cosine', () => {
    const linear = { kind: 'linear', peak: 1, warmupSteps: 0, steps: 4 } as const;
    expect([0, 1, 2, 3, 4].map((step) => learningRateAt(linear, step))).toEqual([1, 0.75, 0.5, 0.25, 0]);
    const cosine = { ...linear, kind: 'cosine' } as const;
    expect(learningRateAt(cosine, 0)).toBe(1);
    expect(learningRateAt(cosine, 2)).toBeCloseTo(0.5, 12);
    expect(learningRateAt(cosine, 4)).toBeCloseTo(0, 12);
  });

  it('stays within (0, peak] in every step of a run and never rises after the warm-up', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 0, max: 250 }),
        (kind, steps, warmupSteps) => {
          const rates = Array.from({ length: steps }, (_, step) =>
            learningRateAt({ kind, peak: 0.5, warmupSteps, steps }, step),
          );
          for (const [step, rate] of rates.entries()) {
            expect(rate).toBeGreaterThan(0);
            expect(rate).toBeLessThanOrEqual(0.5);
            if (step > 0 && step > warmupSteps) expect(rate).toBeLessThanOrEqual(rates[step - 1] ?? 0);
            if (step > 0 && step < warmupSteps) expect(rate).toBeGreaterThan(rates[step - 1] ?? 1);
          }
        },
      ),
    );
  });
});
