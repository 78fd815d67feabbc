import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stepTotals, tokenWeights } from '../../../src-main/estimators/token-weights.ts';
import { minibatches, updatePolicy } from '../../../src-main/training/update-policy.ts';
import { makeRun } from './loop-parts.ts';

const settings = {
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  clipNorm: null,
} as const;

describe('minibatches', () => {
  it('hold every answer once, are as equal as possible, and keep the answers of a question together', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 0, max: 3 }),
        (questions, perQuestion, count, epoch) => {
          const groups = Array.from({ length: questions * perQuestion }, (_, answer) =>
            Math.floor(answer / perQuestion),
          );
          const parts = minibatches(groups, count, [1, 2, 3, epoch]);
          expect(parts.flat().sort((a, b) => a - b)).toEqual(groups.map((_, answer) => answer));
          expect(parts).toHaveLength(Math.min(count, groups.length));
          const sizes = parts.map((part) => part.length);
          const whole = count <= questions;
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(whole ? perQuestion : 1);
          if (whole) {
            const owners = parts.map((part) => new Set(part.map((answer) => groups[answer])));
            expect(owners.reduce((sum, owner) => sum + owner.size, 0)).toBe(questions);
          }
          if (epoch === 0) expect(parts.flat()).toEqual(groups.map((_, answer) => answer));
        },
      ),
    );
  });

  it('change their order from epoch to epoch', () => {
    const groups = Array.from({ length: 32 }, (_, answer) => answer);
    expect(minibatches(groups, 4, [1, 2, 3, 1])).not.toEqual(minibatches(groups, 4, [1, 2, 3, 2]));
  });
});

describe('skipping answers without signal', () => {
  it.each(['grpo', 'dr-grpo', 'rloo'] as const)(
    'changes no number of the gradient (%s)',
    async (estimator) => {
      const { parts, policy } = makeRun({ method: { estimator } });
      const answers = [
        [1, 0],
        [2, 3, 0],
        [3, 0],
        [4, 4, 4],
      ];
      const advantages = [0.5, -0.5, 0, 0].map((value, place) =>
        new Float32Array(answers[place]!.length).fill(value),
      );
      const sequences = answers.map((ids, place) => ({
        promptIds: Int32Array.of(place >> 1),
        answerIds: Int32Array.from(ids),
      }));
      const tokens = sequences.map(({ answerIds }) => ({ length: answerIds.length, included: true }));
      const weights = tokenWeights(tokens, stepTotals(tokens), parts.spec.surrogate);
      await policy.accumulate(
        sequences.map((sequence, place) => ({
          ...sequence,
          advantages: advantages[place]!,
          oldLogprobs: null,
          referenceLogprobs: null,
          weights: weights[place]!,
        })),
        parts.spec.surrogate,
        parts.spec.kl,
        1,
      );
      const whole = policy.accumulated;
      policy.step({ ...settings, learningRate: 0 });
      let seen: Float64Array | null = null;
      const watched = Object.assign(Object.create(policy) as typeof policy, {
        step: (wanted: typeof settings) => {
          seen = policy.accumulated;
          return policy.step(wanted);
        },
      });
      const batch = {
        sequences,
        groups: [0, 0, 1, 1],
        included: [true, true, true, true],
        advantages,
        samplerLogprobs: null,
        oldLogprobs: null,
        referenceLogprobs: null,
      };
      const result = await updatePolicy({ ...parts, learner: watched }, batch, 0, settings, 1);
      expect(result).toMatchObject({ computed: 2, skipped: 2, applied: 1 });
      expect(seen).toEqual(whole);
      expect(result.firstScores.map((scores) => scores !== null)).toEqual([true, true, false, false]);
    },
  );
});
