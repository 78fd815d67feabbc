/** What a step samples, against counts that can be made by hand or by the rule that places looks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimatorNames, type EstimatorName } from '../../../src-main/contract/estimator.ts';
import { budgetSchema, methodSchema } from '../../../src-main/contract/experiment.ts';
import { anchorPositions } from '../../../src-main/estimators/anchor-positions.ts';
import { estimatorSpec } from '../../../src-main/estimators/index.ts';
import { stepCost } from '../../../src-main/estimators/step-cost.ts';

const costOf = (method: object, budget: object) => {
  const parsed = budgetSchema.parse(budget);
  return stepCost(estimatorSpec(methodSchema.parse(method), parsed).plan, parsed);
};

describe('stepCost', () => {
  it('counts answers, greedy answers and continuations', () => {
    const budget = { promptsPerStep: 3, maxTokens: 10 };
    expect(costOf({ estimator: 'grpo', groupSize: 8 }, budget)).toEqual({
      answers: 24,
      greedy: 0,
      continuations: 0,
      tokens: 240,
    });
    expect(costOf({ estimator: 'remax', groupSize: 1 }, budget)).toMatchObject({
      answers: 3,
      greedy: 3,
      tokens: 60,
    });
    // Places 0, 4 and 8: 10, 6 and 2 tokens to the end.
    expect(
      costOf(
        { estimator: 'trepo', groupSize: 2, anchorRule: 'stride', anchorStride: 4, continuations: 5 },
        budget,
      ),
    ).toEqual({ answers: 6, greedy: 0, continuations: 90, tokens: 60 + 6 * 5 * 18 });
    expect(costOf({ estimator: 'vineppo' }, budget)).toMatchObject({ continuations: null, tokens: null });
  });

  it.each(estimatorNames)(
    '%s: nothing is sampled exactly where it learns from the data',
    (estimator: EstimatorName) => {
      const { answers } = costOf({ estimator }, { promptsPerStep: 2 });
      expect(answers > 0).toBe(!['sft', 'dpo', 'kto', 'orpo', 'simpo', 'reward-model'].includes(estimator));
    },
  );

  it('agrees with the rule on the mean over coins', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 6 }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.constantFrom('segment', 'sparse'),
        (maxTokens, chance, between) => {
          const budget = budgetSchema.parse({ promptsPerStep: 1, maxTokens });
          const method = methodSchema.parse({
            estimator: 'trepo',
            groupSize: 1,
            anchorRule: 'coins',
            anchorChance: chance,
            anchorBetween: between,
            continuations: 1,
          });
          const { plan } = estimatorSpec(method, budget);
          let mean = 0;
          // Every outcome of a coin for each place from 0 to the length.
          for (let outcome = 0; outcome < 2 ** (maxTokens + 1); outcome++) {
            const heads = (place: number): boolean => ((outcome >> place) & 1) === 1;
            let probability = 1;
            for (let place = 0; place <= maxTokens; place++)
              probability *= heads(place) ? chance : 1 - chance;
            const { positions } = anchorPositions(plan.anchors!, {
              length: maxTokens,
              coin: (place) => (heads(place) ? 0 : 1),
              endsLine: () => false,
            });
            mean += probability * positions.length;
          }
          expect(stepCost(plan, budget).continuations).toBeCloseTo(mean, 9);
        },
      ),
      { numRuns: 40 },
    );
  });
});
