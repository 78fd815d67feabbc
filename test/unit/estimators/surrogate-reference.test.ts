/** Losses, gradients and metrics against the numbers of TRL, verl and OpenRLHF. */
import { describe, expect, it } from 'vitest';
import { klEstimate } from '../../../src-main/estimators/kl-estimate.ts';
import { policyMetrics } from '../../../src-main/estimators/metrics.ts';
import type { Metrics } from '../../../src-main/estimators/metric-names.ts';
import { samplerWeights } from '../../../src-main/estimators/sampler-correction.ts';
import { surrogateLoss } from '../../../src-main/estimators/surrogate.ts';
import { exactTokenWeights, stepTotals } from '../../../src-main/estimators/token-weights.ts';
import { answersOf, klOf, lossCases, surrogateOf, type LossCase } from './loss-fixture.ts';
import { expectAllClose, expectClose } from './numbers.ts';

const counts = {
  pg: 30,
  'ppo-clip': 68,
  'kl-in-loss': 110,
  sft: 9,
  'sampler-correction': 66,
  gspo: 35,
  cispo: 37,
  'rloo-sequence-ratio': 20,
  'entropy-bonus': 18,
};

describe.each(Object.entries(counts))('loss %s', (method, count) => {
  const cases = lossCases(method);

  it('has every case', () => expect(cases).toHaveLength(count));

  it.each(cases.map((each) => [each.name, each] as const))('%s', (name, each) => {
    if (each.options.surrogate?.agg === 'tokenMeanPerMicroBatch') return expectMeanOfMeans(each);
    const answers = answersOf(each);
    const result = surrogateLoss(answers, surrogateOf(each), klOf(each));
    expectClose(result.loss, each.expected.loss, each.tolerance, `${name}: loss`);
    expectAllClose(result.gradients, each.expected.grad, each.tolerance, `${name}: gradient`);
    expectAllClose(
      result.entropyGradients,
      each.expected.entropyGrad ?? [],
      each.tolerance,
      `${name}: gradient of the entropies`,
    );
    each.options.microBatches?.forEach((rows, part) => {
      const own = surrogateLoss(
        rows.map((row) => answers[row]!),
        surrogateOf(each),
        klOf(each),
      );
      expectClose(
        own.loss,
        each.expected.losses?.[part] ?? NaN,
        each.tolerance,
        `${name}: loss of part ${part}`,
      );
      expectAllClose(
        own.gradients,
        rows.map((row) => each.expected.grad[row]!),
        each.tolerance,
        `${name}: part ${part}`,
      );
    });
    expectMetrics(each);
  });
});

/** What a mean of means over micro-batches would give, to show that the cases tell it from the true mean. */
function expectMeanOfMeans(each: LossCase): void {
  const parts = each.options.microBatches ?? [];
  const spec = surrogateOf(each);
  let loss = 0;
  parts.forEach((rows, part) => {
    const tokens = rows.map((row) => ({ length: each.input.logps[row]!.length, included: true }));
    const weights = exactTokenWeights(tokens, stepTotals(tokens), spec);
    const own = surrogateLoss(
      rows.map((row, index) => ({ ...answersOf(each)[row]!, weights: weights[index]! })),
      spec,
    );
    expectClose(own.loss / parts.length, each.expected.losses?.[part] ?? NaN, each.tolerance, 'part');
    loss += own.loss / parts.length;
  });
  expectClose(loss, each.expected.loss, each.tolerance, 'mean of means');
  expect(Math.abs(loss - surrogateLoss(answersOf(each), spec).loss)).toBeGreaterThan(1e-3);
}

function expectMetrics(each: LossCase): void {
  const wanted = each.expected.metrics;
  if (Object.keys(wanted).length === 0) return;
  const { samplerIS, surrogate } = each.options;
  const spec = surrogateOf(each);
  // TRL counts for CISPO what the clip of PPO would hold; verl counts every ratio outside the band.
  const counted =
    surrogate?.kind === 'cispo' && each.source === 'trl' ? { ...spec, kind: 'ppoClip' as const } : spec;
  const answers = answersOf(each).map((answer, index) => ({
    ...answer,
    included: true,
    samplerLogprobs: each.input.samplerLogps?.[index] ?? null,
  }));
  const cap =
    samplerIS?.mode === 'token' && samplerIS.treatment === 'truncate' && samplerIS.floor === null
      ? samplerIS.cap
      : null;
  const got = policyMetrics(answers, { ...counted, samplerCap: cap }, klOf(each));
  const known: Record<string, number | undefined> = {
    ...got,
    // With the mean ratio TRL spreads its flag over the tokens of each answer, so its share is one of tokens.
    clipFracSequences:
      surrogate?.ratio === 'seqMean'
        ? got.clipFrac
        : sum(got.clipFracSequencesLow, got.clipFracSequencesHigh),
    weightMean: samplerIS === undefined ? undefined : cap === null ? weightMean(each) : got.samplerWeightMean,
  };
  for (const [name, value] of Object.entries(wanted)) {
    expectClose(known[name] ?? NaN, value, each.tolerance, `${each.name}: ${name}`);
  }
}

/** Mean over tokens, or over answers where one weight holds for the whole answer. */
function weightMean(each: LossCase): number {
  const correction = each.options.samplerIS!;
  const weights = each.input.logps.map((_, answer) =>
    samplerWeights(each.input.oldLogps?.[answer] ?? [], each.input.samplerLogps?.[answer] ?? [], correction),
  );
  const values =
    correction.mode === 'token' ? weights.flatMap((row) => Array.from(row)) : weights.map((row) => row[0]!);
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function sum(low: Metrics['clipFrac'], high: Metrics['clipFrac']): number | undefined {
  return low === undefined || high === undefined ? undefined : low + high;
}

describe('KL estimates', () => {
  const cases = lossCases('kl-estimators');

  it('has every case', () => expect(cases).toHaveLength(16));

  it.each(cases.map((each) => [each.name, each] as const))('%s', (name, each) => {
    const term = klOf(each);
    const estimates = each.input.logps.map((row, answer) =>
      row.map((logprob, token) => klEstimate(logprob, each.input.refLogps?.[answer]?.[token] ?? NaN, term)),
    );
    const values = estimates.map((row) => row.map((estimate) => estimate.value));
    expectAllClose(values, each.expected.values ?? [], each.tolerance, name);
    expectAllClose(
      estimates.map((row) => row.map((estimate) => estimate.derivative)),
      each.expected.grad,
      each.tolerance,
      name,
    );
    expectClose(
      values.flat().reduce((a, b) => a + b, 0),
      each.expected.loss,
      each.tolerance,
      name,
    );
  });
});
