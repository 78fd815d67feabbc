/** How components become one number: sum, product, gate, range, clip, cut-off answers, and evening out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rewardSchema, rewardScoreSchema } from '../../../src-main/contract/reward.ts';
import type { RewardConfig, RewardScore } from '../../../src-main/contract/reward.ts';
import { combine, componentNames, withTotal } from '../../../src-main/rewards/combine.ts';
import type { Outcome } from '../../../src-main/rewards/outcome.ts';
import { evenedOut, initialStatistics, observed } from '../../../src-main/rewards/running-statistics.ts';

type Part = Record<string, unknown>;

function reward(parts: readonly Part[], rules: Part = {}): RewardConfig {
  return rewardSchema.parse({ components: parts.map((part) => ({ kind: 'exact', ...part })), ...rules });
}

function scored(
  config: RewardConfig,
  values: readonly (number | null)[],
  finish: 'stop' | 'length' = 'stop',
): RewardScore {
  const outcomes = values.map((value): Outcome => ({ value, reason: 'r' }));
  return combine(config, componentNames(config), outcomes, { finish });
}

const total = (...given: Parameters<typeof scored>): number | null => scored(...given).total;
const finite = fc.double({ min: -100, max: 100, noNaN: true });

describe('combine', () => {
  it('adds up, or multiplies powers', () => {
    const parts = [{ weight: 2 }, { weight: 0.5 }];
    expect(total(reward(parts), [3, 4])).toBe(8);
    expect(total(reward(parts, { combine: 'product' }), [3, 4])).toBe(18);
    expect(total(reward(parts, { combine: 'product' }), [-3, 4])).toBe(0);
    expect(total(reward([{ weight: 0 }, {}], { combine: 'product' }), [-3, 4])).toBe(4);
  });

  it('refuses a product with a weight below 0', () => {
    expect(() => reward([{ weight: -1 }], { combine: 'product' })).toThrow(/no weight below 0/);
    expect(total(reward([{ weight: -1 }]), [2])).toBe(-2);
  });

  it('gives 0 when a gate is not reached, whatever the others say', () => {
    const config = reward([{ gate: 0.5, weight: 0 }, { weight: 3 }]);
    expect(total(config, [0.5, 2])).toBe(6);
    expect(total(config, [0.4, 2])).toBe(0);
    expect(total(config, [0.4, null])).toBe(0);
    expect(total(config, [null, 2])).toBeNull();
  });

  it('cuts values to their range and the total to its limits', () => {
    const config = reward([{ range: [0, 1] }, {}], { clip: [-1, 2] });
    const score = scored(config, [5, 3]);
    expect(score.components.map(({ value }) => value)).toEqual([1, 3]);
    expect(score.total).toBe(2);
    expect(total(config, [-4, -9])).toBe(-1);
  });

  it('keeps, penalises or masks answers that were cut off', () => {
    const parts = [{}];
    expect(total(reward(parts), [1], 'length')).toBe(1);
    const penalised = reward(parts, { truncated: 'penalise', truncatedPenalty: 0.25 });
    expect(total(penalised, [1], 'length')).toBe(0.75);
    expect(total(penalised, [1])).toBe(1);
    const masked = scored(reward(parts, { truncated: 'mask' }), [null], 'length');
    expect(masked).toMatchObject({ total: null, masked: true });
    expect(scored(reward(parts, { truncated: 'mask' }), [1])).not.toHaveProperty('masked');
  });

  it('takes what is no finite number for not gradable', () => {
    const score = scored(reward([{}, {}]), [Infinity, 1]);
    expect(score.total).toBeNull();
    expect(score.components[0]?.value).toBeNull();
    expect(score.components[0]?.reason).toContain('Infinity');
  });

  it('keeps its rules for any values', () => {
    const rules = fc.record({
      weights: fc.array(finite, { minLength: 1, maxLength: 4 }),
      values: fc.array(fc.option(finite), { minLength: 4, maxLength: 4 }),
      low: finite,
      width: fc.double({ min: 0.001, max: 50, noNaN: true }),
      truncated: fc.constantFrom('keep', 'penalise', 'mask'),
      finish: fc.constantFrom('stop' as const, 'length' as const),
    });
    fc.assert(
      fc.property(rules, ({ weights, values, low, width, truncated, finish }) => {
        const given = values.slice(0, weights.length);
        const clip: [number, number] = [low, low + width];
        const config = reward(
          weights.map((weight) => ({ weight })),
          { clip, truncated },
        );
        const score = scored(config, given, finish);
        expect(rewardScoreSchema.parse(score)).toEqual(score);
        const counted = given.filter((_, place) => weights[place] !== 0);
        if (truncated === 'mask' && finish === 'length') expect(score.masked).toBe(true);
        else if (counted.includes(null)) expect(score.total).toBeNull();
        else {
          expect(score.total).toBeGreaterThanOrEqual(clip[0]);
          expect(score.total).toBeLessThanOrEqual(clip[1]);
        }
        // The order of components changes nothing but the rounding.
        const turned = scored(
          reward(
            [...weights].reverse().map((weight) => ({ weight })),
            { clip, truncated },
          ),
          [...given].reverse(),
          finish,
        );
        if (score.total === null) expect(turned.total).toBeNull();
        else expect(turned.total).toBeCloseTo(score.total, 6);
      }),
    );
  });
});

describe('evening out', () => {
  const config = reward([{ normalise: true }, {}]);
  const scoresOf = (values: readonly (number | null)[]): RewardScore[] =>
    values.map((value) => scored(config, [value, 1]));

  it('knows mean and deviation of all values, in whatever portions they came', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 2, maxLength: 60 }), fc.nat(60), (values, at) => {
        const whole = observed(initialStatistics(config), scoresOf(values));
        const parts = observed(
          observed(initialStatistics(config), scoresOf(values.slice(0, at))),
          scoresOf(values.slice(at)),
        );
        expect(parts).toEqual(whole);
        // A checkpoint keeps them as JSON.
        expect(JSON.parse(JSON.stringify(whole))).toEqual(whole);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        expect(whole[0]?.mean).toBeCloseTo(mean, 8);
        expect(whole[0]?.squares).toBeCloseTo(squares, 4);
        expect(whole[1]).toBeNull();
      }),
    );
  });

  it('makes mean 0 and deviation 1, and leaves out what could not be graded', () => {
    const statistics = observed(initialStatistics(config), scoresOf([1, null, 2, 3]));
    expect(statistics[0]?.count).toBe(3);
    const [first] = statistics;
    if (!first) throw new Error('no statistics');
    expect([1, 2, 3].map((value) => evenedOut(value, first))).toEqual([-1, 0, 1]);
    const [score] = scoresOf([3]);
    expect(withTotal(config, score!.components, 'stop', statistics).total).toBe(2);
    expect(score!.components[0]?.value).toBe(3);
  });

  it('measures plain distances while all values were equal', () => {
    expect(evenedOut(5, { count: 0, mean: 0, squares: 0 })).toBe(5);
    expect(evenedOut(5, { count: 1, mean: 5, squares: 0 })).toBe(0);
    expect(evenedOut(7, { count: 9, mean: 5, squares: 1e-30 })).toBe(2);
  });
});
