/** Preference losses against the numbers of TRL and OpenRLHF, and their gradients against differences. */
import { describe, expect, it } from 'vitest';
import type { PreferenceSpec } from '../../../src-main/contract/estimator.ts';
import {
  answerScore,
  judgedLoss,
  mismatchedKl,
  pairLoss,
  type PreferencePair,
} from '../../../src-main/estimators/preference-loss.ts';
import { expectAllClose, expectClose } from './numbers.ts';
import { judgedOf, mismatchedOf, pairsOf, preferenceCases, preferenceSpecOf } from './preference-fixture.ts';

describe.each([
  ['dpo', 33],
  ['orpo', 12],
  ['simpo', 18],
] as const)('%s', (method, count) => {
  const cases = preferenceCases(method);
  it('has every case', () => expect(cases).toHaveLength(count));

  it.each(cases.map((each) => [each.name, each] as const))('%s', (name, each) => {
    const pairs = pairsOf(each);
    let spec = preferenceSpecOf(method, each);
    let extra = 0;
    // One library also counts the tokens of the question; the terms of the answers are the same but for the divisor.
    const promptLogps = (each.input.chosen?.promptLogps ?? []).flat();
    if (each.options.nllOver === 'promptAndCompletion') {
      const answers = pairs.reduce((sum, { chosen }) => sum + chosen.logprobs.length, 0);
      const all = answers + promptLogps.length;
      spec = { ...spec, likelihood: answers / all };
      extra = -promptLogps.reduce((sum, value) => sum + value, 0) / all;
    }
    const got = pairLoss(pairs, spec);
    expectClose(got.loss + extra, each.expected.loss, each.tolerance, `${name}: loss`);
    expectAllClose(got.chosenGradients, each.expected.grad.chosen ?? [], each.tolerance, `${name}: chosen`);
    expectAllClose(
      got.rejectedGradients,
      each.expected.grad.rejected ?? [],
      each.tolerance,
      `${name}: rejected`,
    );
    const { chosenReward, rejectedReward } = each.expected.metrics;
    if (chosenReward !== undefined && rejectedReward !== undefined) {
      const mean = (side: 'chosen' | 'rejected'): number =>
        pairs.reduce((sum, pair) => sum + spec.beta * answerScore(pair[side], spec), 0) / pairs.length;
      expectClose(mean('chosen'), chosenReward, each.tolerance, 'chosen reward');
      expectClose(mean('rejected'), rejectedReward, each.tolerance, 'rejected reward');
    }
  });
});

describe('kto', () => {
  const cases = preferenceCases('kto');
  it('has every case', () => expect(cases).toHaveLength(12));
  it.each(cases.map((each) => [each.name, each] as const))('%s', (name, each) => {
    const kl = mismatchedKl(mismatchedOf(each));
    expectClose(kl, each.expected.metrics['kl'] ?? NaN, each.tolerance, 'kl');
    const got = judgedLoss(judgedOf(each), kl, preferenceSpecOf('kto', each));
    expectClose(got.loss, each.expected.loss, each.tolerance, `${name}: loss`);
    expectAllClose(got.gradients, each.expected.grad.responses ?? [], each.tolerance, `${name}: gradient`);
  });
});

describe('gradients agree with central differences', () => {
  const step = 1e-5;
  const base: PreferenceSpec = {
    loss: 'sigmoid',
    beta: 0.7,
    labelSmoothing: 0.2,
    average: false,
    margin: 0.4,
    likelihood: 0.3,
    desirable: 1.2,
    undesirable: 0.6,
    reference: true,
  };
  const specs: PreferenceSpec[] = [
    base,
    { ...base, loss: 'robust' },
    { ...base, loss: 'ipo', average: true },
    { ...base, loss: 'simpo', average: true, reference: false },
    { ...base, loss: 'orpo', average: true, reference: false },
  ];
  const pairs: PreferencePair[] = [
    {
      chosen: { logprobs: [-0.3, -1.2], referenceSum: -1.1 },
      rejected: { logprobs: [-2.1, -0.2, -0.9], referenceSum: -4 },
    },
    {
      chosen: { logprobs: [-1.9], referenceSum: -1 },
      rejected: { logprobs: [-0.4, -0.1], referenceSum: -1.5 },
    },
  ];

  it.each(specs)('$loss', (spec) => {
    const { chosenGradients, rejectedGradients } = pairLoss(pairs, spec);
    for (const [side, gradients] of [
      ['chosen', chosenGradients],
      ['rejected', rejectedGradients],
    ] as const) {
      gradients.forEach((row, pair) =>
        row.forEach((slope, token) => {
          const moved = (by: number): number =>
            pairLoss(
              pairs.map((one, place) =>
                place === pair
                  ? {
                      ...one,
                      [side]: {
                        ...one[side],
                        logprobs: Array.from(one[side].logprobs, (value, at) =>
                          at === token ? value + by : value,
                        ),
                      },
                    }
                  : one,
              ),
              spec,
            ).loss;
          expectClose(slope, (moved(step) - moved(-step)) / (2 * step), 1e-8, `${side} ${pair} ${token}`);
        }),
      );
    }
  });

  it('kto', () => {
    const spec: PreferenceSpec = { ...base, loss: 'kto', likelihood: 0 };
    for (const desirable of [true, false]) {
      const loss = (shift: number): number =>
        judgedLoss([{ logprobs: [-0.4 + shift, -0.9], referenceSum: -2.1, desirable }], 0.3, spec).loss;
      const { gradients } = judgedLoss(
        [{ logprobs: [-0.4, -0.9], referenceSum: -2.1, desirable }],
        0.3,
        spec,
      );
      expectClose(gradients[0]![0]!, (loss(step) - loss(-step)) / (2 * step), 1e-8, 'slope');
    }
  });

  it('is log 2 at the reference, and antisymmetric in the two answers', () => {
    const plain = { ...base, labelSmoothing: 0, likelihood: 0 };
    const same = { logprobs: [-1, -2], referenceSum: -3 };
    expectClose(pairLoss([{ chosen: same, rejected: same }], plain).loss, Math.LN2, 1e-12, 'loss');
    const [pair] = pairs;
    const forward = pairLoss([pair!], plain);
    const backward = pairLoss([{ chosen: pair!.rejected, rejected: pair!.chosen }], plain);
    // −log σ(x) and −log σ(−x): their difference is −x.
    const lead = plain.beta * (answerScore(pair!.chosen, plain) - answerScore(pair!.rejected, plain));
    expectClose(forward.loss - backward.loss, -lead, 1e-12, 'difference');
  });
});
