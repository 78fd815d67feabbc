/** The critic's loss against the numbers of verl, OpenRLHF and TRL. */
import { describe, expect, it } from 'vitest';
import { surrogateLoss } from '../../../src-main/estimators/surrogate.ts';
import { exactTokenWeights, stepTotals } from '../../../src-main/estimators/token-weights.ts';
import { explainedVariance, valueLoss, valueTerm } from '../../../src-main/estimators/value-loss.ts';
import { plainLoss } from '../../helpers/loss-forms.ts';
import { expectAllClose, expectClose } from './numbers.ts';
import { valueCases, type ValueCase } from './preference-fixture.ts';

function valuedAnswers({ input, options }: ValueCase) {
  const tokens = input.values.map((row) => ({ length: row.length, included: true }));
  const weights = exactTokenWeights(tokens, stepTotals(tokens), { ...plainLoss, aggregation: options.agg });
  return input.values.map((values, answer) => ({
    values,
    oldValues: input.oldValues[answer]!,
    returns: input.returns[answer]!,
    weights: weights[answer]!,
  }));
}

describe('loss of values', () => {
  const cases = valueCases('value');
  it('has every case', () => expect(cases).toHaveLength(15));
  it.each(cases.map((each) => [each.name, each] as const))('%s', (name, each) => {
    const answers = valuedAnswers(each);
    const clip = each.options.clip ?? null;
    const got = valueLoss(answers, clip);
    expectClose(got.loss, each.expected.loss, each.tolerance, `${name}: loss`);
    expectAllClose(got.gradients, each.expected.grad.values, each.tolerance, `${name}: gradient`);
    const share = each.expected.metrics['clipFrac'];
    if (share === undefined) return;
    const clipped = answers.flatMap(({ values, oldValues, returns }) =>
      values.map((value, token) => valueTerm(value, oldValues[token]!, returns[token]!, clip).clipped),
    );
    expectClose(clipped.filter(Boolean).length / clipped.length, share, each.tolerance, 'clipped share');
  });
});

describe('policy and values together', () => {
  const cases = valueCases('ppo-joint');
  it('has every case', () => expect(cases).toHaveLength(3));
  it.each(cases.map((each) => [each.name, each] as const))('%s', (name, each) => {
    const answers = valuedAnswers(each);
    const critic = each.options.critic!;
    const values = valueLoss(answers, critic.clip);
    const policy = surrogateLoss(
      answers.map(({ weights }, answer) => ({
        logprobs: each.input.logps![answer]!,
        oldLogprobs: each.input.oldLogps![answer]!,
        referenceLogprobs: null,
        advantages: each.input.advantages![answer]!,
        weights,
      })),
      { ...plainLoss, kind: 'ppoClip' },
    );
    expectClose(policy.loss, each.expected.policyLoss!, each.tolerance, `${name}: policy loss`);
    expectClose(values.loss, each.expected.valueLoss!, each.tolerance, `${name}: value loss`);
    expectClose(policy.loss + critic.coef * values.loss, each.expected.loss, each.tolerance, `${name}: loss`);
    expectAllClose(policy.gradients, each.expected.grad.logps!, each.tolerance, `${name}: log-probabilities`);
    expectAllClose(
      values.gradients.map((row) => row.map((slope) => critic.coef * slope)),
      each.expected.grad.values,
      each.tolerance,
      `${name}: values`,
    );
  });
});

describe('explained variance', () => {
  it('is 1 for perfect values, 0 for a constant, negative for values that mislead', () => {
    expect(explainedVariance([{ values: [1, 2], returns: [1, 2] }])).toBe(1);
    expect(explainedVariance([{ values: [5, 5], returns: [1, 2] }])).toBeCloseTo(0);
    expect(explainedVariance([{ values: [2, 1], returns: [1, 2] }])).toBeCloseTo(-3);
    expect(explainedVariance([{ values: [2], returns: [1] }])).toBeNaN();
  });
});
