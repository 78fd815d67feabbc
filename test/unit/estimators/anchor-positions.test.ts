/** Where answers are looked into, and that no rule reads ahead. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnchorPlan } from '../../../src-main/contract/estimator.ts';
import { computeAdvantages } from '../../../src-main/estimators/advantages.ts';
import { anchorPositions } from '../../../src-main/estimators/anchor-positions.ts';

const plan: AnchorPlan = { rule: 'stride', stride: 3, chance: 0.5, continuations: 2, between: 'segment' };
const noCoin = (): number => expect.fail('no coin is thrown');
const noLine = (): boolean => expect.fail('no line is asked for');

describe('anchorPositions', () => {
  it('places anchors by stride, coins and lines', () => {
    expect(anchorPositions(plan, { length: 7, coin: noCoin, endsLine: noLine }).positions).toEqual([0, 3, 6]);
    expect(anchorPositions(plan, { length: 6, coin: noCoin, endsLine: noLine }).positions).toEqual([0, 3]);
    const coins = [0.1, 0.6, 0.2, 0.9, 0.4];
    const facts = { length: 5, coin: (place: number) => coins[place]!, endsLine: noLine };
    expect(anchorPositions({ ...plan, rule: 'coins' }, facts).positions).toEqual([0, 2, 4]);
    const text = 'ab\nc\n\nd';
    const lines = { length: 7, coin: noCoin, endsLine: (token: number) => text[token] === '\n' };
    expect(anchorPositions({ ...plan, rule: 'lines' }, lines).positions).toEqual([0, 3, 5, 6]);
    // An answer that ends with its line has no place after it.
    expect(anchorPositions({ ...plan, rule: 'lines' }, { ...lines, length: 3 }).positions).toEqual([0]);
  });

  it('draws tokens with the positions before and after them (sparse)', () => {
    const coins = [NaN, 0.1, 0.2, 0.9, 0.8, 0.3];
    const sparse: AnchorPlan = { ...plan, rule: 'coins', between: 'sparse' };
    expect(anchorPositions(sparse, { length: 5, coin: (token) => coins[token]!, endsLine: noLine })).toEqual({
      positions: [0, 1, 2, 4],
      drawn: [1, 2, 5],
    });
  });

  it('never depends on what comes after a position', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<AnchorPlan['rule']>('stride', 'coins', 'lines'),
        fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.boolean()), {
          minLength: 2,
          maxLength: 30,
        }),
        fc.nat(),
        (rule, facts, cut) => {
          const shorter = 1 + (cut % (facts.length - 1));
          const of = (length: number): readonly number[] =>
            anchorPositions(
              { ...plan, rule },
              { length, coin: (place) => facts[place]![0], endsLine: (token) => facts[token]![1] },
            ).positions;
          expect(of(shorter)).toEqual(of(facts.length).filter((position) => position < shorter));
          expect(of(shorter)[0]).toBe(0);
        },
      ),
    );
  });
});

describe('advantages from values inside answers', () => {
  const spec = { baseline: 'anchors', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' } as const;
  const noKl = { where: 'none', estimator: 'k1', coefficient: 0 } as const;
  const batch = {
    groups: [0, 0, 1],
    rewards: [1, 0, 0.5],
    lengths: [3, 2, 2],
    values: [
      {
        between: 'segment' as const,
        anchors: [
          { position: 0, value: 0.25 },
          { position: 2, value: 0.5 },
        ],
      },
      { between: 'sparse' as const, drawn: [{ token: 2, before: 0.5, after: 0 }], chance: 0.25 },
      null,
    ],
  };

  it('leave out answers whose values are not known', () => {
    const { advantages, included } = computeAdvantages(batch, spec, noKl);
    expect(included).toEqual([true, true, false]);
    expect(advantages.map((values) => [...values])).toEqual([
      [0.25, 0.25, 0.5],
      [0, -2],
      [0, 0],
    ]);
  });

  it('lose the penalty from each token on', () => {
    const logprobs = batch.lengths.map((length) => new Float64Array(length).fill(-1));
    const referenceLogprobs = batch.lengths.map((length) => new Float64Array(length).fill(-1.5));
    const { advantages } = computeAdvantages({ ...batch, logprobs, referenceLogprobs }, spec, {
      where: 'reward',
      estimator: 'k1',
      coefficient: 0.5,
    });
    expect([...advantages[0]!]).toEqual([0.25 - 0.75, 0.25 - 0.5, 0.5 - 0.25]);
  });

  it('are refused without values', () => {
    expect(() => computeAdvantages({ ...batch, values: [] }, spec, noKl)).toThrow(RangeError);
  });
});
