/** What must hold for advantages of any batch. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AdvantageSpec, KlSpec } from '../../../src-main/contract/estimator.ts';
import {
  computeAdvantages,
  computeExactAdvantages,
  type AdvantageBatch,
} from '../../../src-main/estimators/advantages.ts';
import { groupsWithSignal } from '../../../src-main/estimators/group-statistics.ts';
import { expectAllClose, expectClose } from './numbers.ts';

const noKl: KlSpec = { where: 'none', estimator: 'k1', coefficient: 0 };
const plain = { scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' } as const;
const specs = {
  none: { ...plain, baseline: 'none' },
  rloo: { ...plain, baseline: 'leaveOneOut' },
  drGrpo: { ...plain, baseline: 'groupMean' },
  grpo: { ...plain, baseline: 'groupMean', scale: 'groupStd', eps: 1e-6 },
  remax: { ...plain, baseline: 'greedy' },
  opo: { ...plain, baseline: 'lengthWeightedGroupMean' },
  passk: { ...plain, baseline: 'bestMinusSecond' },
  plusPlus: { ...plain, baseline: 'none', scale: 'batchTokens', eps: 1e-8, epsAt: 'var' },
} satisfies Record<string, AdvantageSpec>;
const relative = [specs.rloo, specs.drGrpo, specs.grpo, specs.opo, specs.passk];

/** Rewards on a grid of 1/16, so that a spread is either 0 or far above the tolerance. */
const reward = fc.integer({ min: -64, max: 64 }).map((value) => value / 16);
interface FullBatch extends AdvantageBatch {
  groups: number[];
  rewards: number[];
  lengths: number[];
  greedyRewards: number[];
}
const batch: fc.Arbitrary<FullBatch> = fc
  .array(fc.array(fc.tuple(reward, fc.integer({ min: 1, max: 6 })), { minLength: 2, maxLength: 6 }), {
    minLength: 1,
    maxLength: 4,
  })
  .chain((groups) =>
    fc.array(reward, { minLength: groups.length, maxLength: groups.length }).map((greedyRewards) => ({
      groups: groups.flatMap((members, group) => members.map(() => group)),
      rewards: groups.flat().map(([value]) => value),
      lengths: groups.flat().map(([, length]) => length),
      greedyRewards,
    })),
  );
const perAnswer = (each: AdvantageBatch, spec: AdvantageSpec): number[] =>
  computeExactAdvantages(each, spec, noKl).advantages.map((tokens) => tokens[0]!);

describe('advantages', () => {
  it('follow their answers when answers are reordered', () => {
    fc.assert(
      fc.property(
        batch,
        fc.constantFrom(...Object.values(specs)),
        fc.infiniteStream(fc.nat()),
        (each, spec, keys) => {
          const order = each.rewards.map((_, answer) => ({ answer, key: keys.next().value as number }));
          order.sort((a, b) => a.key - b.key || a.answer - b.answer);
          const moved = {
            ...each,
            groups: order.map(({ answer }) => each.groups[answer]!),
            rewards: order.map(({ answer }) => each.rewards[answer]!),
            lengths: order.map(({ answer }) => each.lengths[answer]!),
          };
          const before = computeExactAdvantages(each, spec, noKl).advantages;
          const after = computeExactAdvantages(moved, spec, noKl).advantages;
          // A tie for the best may be broken by order, but both then lead by 0.
          expectAllClose(
            after,
            order.map(({ answer }) => before[answer]!),
            1e-9,
            spec.baseline,
          );
        },
      ),
    );
  });

  it('do not change when every reward of a group is shifted', () => {
    fc.assert(
      fc.property(batch, reward, (each, shift) => {
        const shifted = {
          ...each,
          rewards: each.rewards.map((value) => value + shift),
          greedyRewards: each.greedyRewards.map((value) => value + shift),
        };
        for (const spec of [...relative, specs.remax]) {
          expectAllClose([perAnswer(shifted, spec)], [perAnswer(each, spec)], 1e-9, spec.baseline);
        }
      }),
    );
  });

  it('scale with the rewards, except where they are divided by the deviation', () => {
    fc.assert(
      fc.property(batch, fc.integer({ min: 1, max: 8 }), (each, factor) => {
        const scaled = {
          ...each,
          rewards: each.rewards.map((value) => value * factor),
          greedyRewards: each.greedyRewards.map((value) => value * factor),
        };
        for (const spec of [specs.none, specs.rloo, specs.drGrpo, specs.remax, specs.opo, specs.passk]) {
          expectAllClose(
            [perAnswer(scaled, spec)],
            [perAnswer(each, spec).map((value) => value * factor)],
            1e-9,
            spec.baseline,
          );
        }
        const grpo = { ...specs.grpo, eps: 0 };
        expectAllClose([perAnswer(scaled, grpo)], [perAnswer(each, grpo)], 1e-9, 'grpo');
      }),
    );
  });

  it('sum to 0 in each group; a group without signal gives exactly 0', () => {
    fc.assert(
      fc.property(batch, (each) => {
        const signal = groupsWithSignal(each.groups, each.rewards);
        for (const spec of [specs.rloo, specs.drGrpo, specs.grpo]) {
          const got = perAnswer(each, spec);
          signal.forEach((hasSignal, group) => {
            const own = got.filter((_, answer) => each.groups[answer] === group);
            expectClose(
              own.reduce((sum, value) => sum + value, 0),
              0,
              1e-8,
              spec.baseline,
            );
            expect(own.every((value) => value === 0)).toBe(!hasSignal);
          });
        }
      }),
    );
  });

  it('GRPO: squares sum to (G − 1)(σ/(σ + ε))²; RLOO is G/(G − 1) times the group mean; two answers give ±(R₁ − R₂)', () => {
    fc.assert(
      fc.property(batch, (each) => {
        const spec = { ...specs.grpo, eps: 0.25 };
        const grpo = perAnswer(each, spec);
        const rloo = perAnswer(each, specs.rloo);
        const centred = perAnswer(each, specs.drGrpo);
        groupsWithSignal(each.groups, each.rewards).forEach((hasSignal, group) => {
          const answers = each.groups.flatMap((own, answer) => (own === group ? [answer] : []));
          const size = answers.length;
          for (const answer of answers)
            expectClose(rloo[answer]!, (centred[answer]! * size) / (size - 1), 1e-9, 'rloo');
          if (size === 2)
            expectClose(
              rloo[answers[0]!]!,
              each.rewards[answers[0]!]! - each.rewards[answers[1]!]!,
              1e-9,
              'two',
            );
          if (!hasSignal) return;
          const variance = answers.reduce((sum, answer) => sum + centred[answer]! ** 2, 0) / (size - 1);
          const deviation = Math.sqrt(variance);
          const squares = answers.reduce((sum, answer) => sum + grpo[answer]! ** 2, 0);
          expectClose(squares, (size - 1) * (deviation / (deviation + spec.eps)) ** 2, 1e-9, 'squares');
        });
      }),
    );
  });

  it('equal rewards of any value and group size give exactly 0, in single precision too', () => {
    fc.assert(
      fc.property(
        fc.float({ min: -1000, max: 1000, noNaN: true }),
        fc.integer({ min: 2, max: 16 }),
        (value, size) => {
          const each = {
            groups: new Array<number>(size).fill(0),
            rewards: new Array<number>(size).fill(value),
            lengths: new Array<number>(size).fill(2),
          };
          for (const spec of [...relative, { ...specs.grpo, eps: 1e-9 }]) {
            for (const tokens of computeAdvantages(each, spec, noKl).advantages)
              expect(Array.from(tokens)).toEqual([0, 0]);
          }
        },
      ),
    );
  });

  it('whitened over tokens have mean 0 and variance 1 where they differ', () => {
    fc.assert(
      fc.property(batch, (each) => {
        const tokens = computeExactAdvantages(each, { ...specs.plusPlus, eps: 0 }, noKl).advantages.flatMap(
          (row) => Array.from(row),
        );
        const average = tokens.reduce((sum, value) => sum + value, 0) / tokens.length;
        expectClose(average, 0, 1e-9, 'mean');
        if (new Set(each.rewards).size === 1) {
          // A property that returns anything but nothing or true counts as failed.
          expect(tokens.every((value) => value === 0)).toBe(true);
          return;
        }
        const variance = tokens.reduce((sum, value) => sum + value * value, 0) / (tokens.length - 1);
        expectClose(variance, 1, 1e-9, 'variance');
      }),
    );
  });

  it('leave out answers that could not be graded as if they had not been sampled', () => {
    fc.assert(
      fc.property(batch, fc.nat(), fc.constantFrom(...Object.values(specs)), (each, pick, spec) => {
        const lost = pick % each.rewards.length;
        const kept = each.rewards.flatMap((_, answer) => (answer === lost ? [] : [answer]));
        const without = {
          ...each,
          groups: kept.map((answer) => each.groups[answer]!),
          rewards: kept.map((answer) => each.rewards[answer]!),
          lengths: kept.map((answer) => each.lengths[answer]!),
        };
        const rewards = each.rewards.map((value, answer) => (answer === lost ? null : value));
        const got = computeExactAdvantages({ ...each, rewards }, spec, noKl);
        expect(got.included.map((included, answer) => included !== (answer === lost))).not.toContain(false);
        expect(got.advantages[lost]!.every((value) => value === 0)).toBe(true);
        const want = computeExactAdvantages(without, spec, noKl).advantages;
        expectAllClose(
          kept.map((answer) => got.advantages[answer]!),
          want,
          1e-12,
          spec.baseline,
        );
      }),
    );
  });

  it('an answer whose greedy baseline could not be graded leaves too', () => {
    const got = computeAdvantages(
      { groups: [0, 1], rewards: [1, 1], lengths: [1, 1], greedyRewards: [null, 0] },
      specs.remax,
      noKl,
    );
    expect(got.included).toEqual([false, true]);
    expect(got.advantages.map((tokens) => tokens[0])).toEqual([0, 1]);
  });

  it('the moving average never sees the batch that it is compared with', () => {
    const spec: AdvantageSpec = { ...specs.none, baseline: 'movingAverage', decay: 0.75 };
    const first = computeAdvantages({ groups: [0, 1], rewards: [1, 3], lengths: [1, 1] }, spec, noKl);
    expect(first.advantages.map((tokens) => tokens[0])).toEqual([1, 3]);
    expect(first.state).toEqual({ movingAverage: 2 });
    const second = computeAdvantages(
      { groups: [0, 1], rewards: [6, null], lengths: [1, 1] },
      spec,
      noKl,
      first.state,
    );
    expect(second.advantages.map((tokens) => tokens[0])).toEqual([4, 0]);
    expect(second.state).toEqual({ movingAverage: 3 });
    const empty = computeAdvantages({ groups: [0], rewards: [null], lengths: [1] }, spec, noKl, second.state);
    expect(empty.state).toEqual(second.state);
  });

  it('a penalty in the score and one to go take the same from a whole answer of one token', () => {
    const kl: KlSpec = { where: 'reward', estimator: 'k1', coefficient: 0.5 };
    const each = { groups: [0], rewards: [1], lengths: [1], logprobs: [[-1]], referenceLogprobs: [[-3]] };
    for (const klFold of ['score', 'toGo'] as const) {
      expect(computeAdvantages(each, { ...specs.none, klFold }, kl).advantages[0]![0]).toBe(0);
    }
  });

  it('refuses batches that do not fit', () => {
    const each = { groups: [0, 0], rewards: [1, 0], lengths: [1, 1] };
    expect(() => computeAdvantages({ ...each, lengths: [1] }, specs.none, noKl)).toThrow(RangeError);
    expect(() => computeAdvantages({ ...each, rewards: [1, NaN] }, specs.none, noKl)).toThrow(
      'reward of answer 1',
    );
    expect(() => computeAdvantages({ ...each, groups: [0, -1] }, specs.rloo, noKl)).toThrow(
      'group of answer 1',
    );
    expect(() => computeAdvantages(each, specs.remax, noKl)).toThrow('greedyRewards');
    expect(() =>
      computeAdvantages(each, specs.none, { where: 'reward', estimator: 'k1', coefficient: 1 }),
    ).toThrow('log-probabilities');
  });
});
