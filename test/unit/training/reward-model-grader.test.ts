/** How scores of reward models become a value, and how texts are cut and shared, without a model. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  modelNames,
  outcomeOf,
  pessimistic,
  rewardModelFolders,
} from '../../../src-main/training/reward-model-grader.ts';
import { cutBeginning, readToEnd, shareBeginnings } from '../../../src-main/training/reward-text.ts';
import { rewardSchema } from '../../../src-main/contract/reward.ts';

const ids = (...list: number[]): Int32Array => Int32Array.from(list);
const said = (...scores: (number | null)[]) => scores.map((score) => ({ score, cut: 0 }));

describe('an ensemble', () => {
  it('is worth its mean less k times the population deviation', () => {
    // Mean 3, deviations −2, 0, 2: variance 8/3 with the divisor n (4 with n − 1).
    expect(pessimistic([1, 3, 5], 0)).toBe(3);
    expect(pessimistic([1, 3, 5], 1)).toBeCloseTo(3 - Math.sqrt(8 / 3), 12);
    expect(pessimistic([1, 3, 5], 0.5)).toBeCloseTo(3 - 0.5 * Math.sqrt(8 / 3), 12);
    expect(pessimistic([2.5], 10)).toBe(2.5);
    expect(pessimistic([2, 2, 2], 10)).toBe(2);
  });
  it('never gains by caution, and keeps its order under a shift', () => {
    const scores = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(scores, fc.double({ min: 0, max: 5, noNaN: true }), (list, k) => {
        expect(pessimistic(list, k)).toBeLessThanOrEqual(pessimistic(list, 0) + 1e-9);
        expect(
          pessimistic(
            list.map((one) => one + 7),
            k,
          ),
        ).toBeCloseTo(pessimistic(list, k) + 7, 6);
      }),
    );
  });
  it('says what each model said', () => {
    expect(outcomeOf(['a', 'b'], said(1, 2), 2)).toEqual({
      value: 0.5,
      reason: 'mean 1.500, spread 0.500 (a 1.000, b 2.000)',
    });
    expect(outcomeOf(['a'], [{ score: 1, cut: 12 }], 2)).toEqual({
      value: 1,
      reason: 'a 1.000; too long: the first 12 tokens were not read',
    });
  });
  it('is not gradable where a model has no number', () => {
    expect(outcomeOf(['a', 'b'], said(1, NaN), 0)).toEqual({
      value: null,
      reason: 'the score of b is not a finite number',
    });
    expect(outcomeOf(['a'], said(null), 0).value).toBeNull();
  });
  it('names models as briefly as tells them apart', () => {
    expect(modelNames(['/x/one', '/y/two'])).toEqual(['one', 'two']);
    expect(modelNames(['/runs/1/model', '/runs/2/model'])).toEqual(['1/model', '2/model']);
    expect(modelNames(['/x/one/'])).toEqual(['one']);
  });
  it('lists each folder of a reward once', () => {
    const component = (...models: string[]) => ({ kind: 'reward-model', models });
    const reward = rewardSchema.parse({
      components: [component('a', 'b'), { kind: 'exact' }, component('b')],
    });
    expect(rewardModelFolders(reward)).toEqual(['a', 'b']);
    expect(rewardModelFolders(undefined)).toEqual([]);
  });
});

describe('a text', () => {
  it('is read at the last token that is not padding', () => {
    expect(readToEnd(ids(5, 6, 0, 0), 0)).toEqual(ids(5, 6));
    expect(readToEnd(ids(0, 0, 5, 6), 0)).toEqual(ids(0, 0, 5, 6));
    expect(readToEnd(ids(5, 0, 6, 0), 0)).toEqual(ids(5, 0, 6));
    // As transformers does: nothing but padding is read at its first token; without a padding token nothing is skipped.
    expect(readToEnd(ids(0, 0), 0)).toEqual(ids(0));
    expect(readToEnd(ids(5, 0), null)).toEqual(ids(5, 0));
    expect(readToEnd(ids(), 0)).toEqual(ids());
  });
  it('loses its beginning where it is too long, but not the token that begins every text', () => {
    expect(cutBeginning(ids(1, 2, 3, 4), 4, 1)).toEqual(ids(1, 2, 3, 4));
    expect(cutBeginning(ids(1, 2, 3, 4), 3, 1)).toEqual(ids(1, 3, 4));
    expect(cutBeginning(ids(1, 2, 3, 4), 3, null)).toEqual(ids(2, 3, 4));
    expect(cutBeginning(ids(1, 2, 3, 4), 1, 1)).toEqual(ids(4));
  });
  it('is the same text whatever is shared', () => {
    const text = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.constantFrom('p', 'q')), { maxLength: 8 }), (list) => {
        const texts = list.map(([tokens]) => Int32Array.from(tokens));
        const groups = list.map(([, group]) => group);
        const shared = shareBeginnings(texts, groups);
        shared.forEach(({ promptIds, answerIds }, place) => {
          expect([...promptIds, ...answerIds]).toEqual([...texts[place]!]);
          expect(promptIds.length).toBeGreaterThan(0);
        });
        // All of a group share one beginning.
        for (const group of ['p', 'q']) {
          const own = shared.filter((_, place) => groups[place] === group);
          expect(new Set(own.map(({ promptIds }) => promptIds.join())).size).toBeLessThanOrEqual(
            new Set(own.map(({ promptIds }) => promptIds[0])).size > 1 ? own.length : 1,
          );
        }
      }),
    );
  });
});
