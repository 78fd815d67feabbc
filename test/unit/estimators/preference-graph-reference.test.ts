/**
 * The graphs that training compiles for preferences and for critics compute the reference losses and gradients too: their
 * nodes, evaluated in double precision, on the cases of the libraries.
 */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../src-main/graph/differentiate.ts';
import { Graph } from '../../../src-main/graph/graph.ts';
import type { GraphNode } from '../../../src-main/graph/graph.ts';
import { judgedLoss, mismatchedKl, pairLoss } from '../../../src-main/estimators/preference-loss.ts';
import type { PreferenceAnswer } from '../../../src-main/estimators/preference-loss.ts';
import type { PreferenceSpec } from '../../../src-main/contract/estimator.ts';
import type { PreferenceExample } from '../../../src-main/training/learner.ts';
import { lossInputs, valueTokenLoss, weightedSum } from '../../../src-main/training/loss-graph.ts';
import {
  preferenceFeeds,
  preferenceInputs,
  preferenceLossNode,
} from '../../../src-main/training/preference-graph.ts';
import { exactTokenWeights, stepTotals } from '../../../src-main/estimators/token-weights.ts';
import { valueLoss } from '../../../src-main/estimators/value-loss.ts';
import { evaluateGraph, tensor, type Feeds } from '../../helpers/evaluate-graph.ts';
import { plainLoss } from '../../helpers/loss-forms.ts';
import { expectClose } from './numbers.ts';
import {
  judgedOf,
  mismatchedOf,
  pairsOf,
  preferenceCases,
  preferenceSpecOf,
  valueCases,
} from './preference-fixture.ts';

function lossAndGradient(
  graph: Graph,
  loss: GraphNode,
  leaf: GraphNode,
  feeds: Feeds,
): { loss: number; gradient: ArrayLike<number> } {
  const { gradients } = differentiate(graph, loss, (node) => node === leaf);
  const gradient = gradients[0]?.gradient ?? expect.fail('no gradient');
  const values = evaluateGraph([loss, gradient], feeds);
  return { loss: values.get(loss)!.data[0]!, gradient: values.get(gradient)!.data };
}

/** The loss of examples (groups of answers) by the graph; what is fed in single precision bounds the agreement. */
function byGraph(
  examples: readonly { answers: readonly PreferenceAnswer[]; desirable: boolean }[],
  spec: PreferenceSpec,
  kl: number,
) {
  const graph = new Graph();
  const logprobs = graph.input('logprobs', ['M', 1]);
  const loss = preferenceLossNode(graph, logprobs, spec);
  const flat = examples.flatMap(({ answers }) => answers.flatMap((one) => Array.from(one.logprobs)));
  const chosenTokens = examples.reduce((sum, { answers }) => sum + answers[0]!.logprobs.length, 0);
  const given = examples.map(({ answers, desirable }): PreferenceExample => ({
    sequences: answers.map((one) => ({
      promptIds: Int32Array.of(0),
      answerIds: new Int32Array(one.logprobs.length),
    })),
    referenceScores: answers.map((one) =>
      spec.average ? (one.referenceSum ?? 0) / one.logprobs.length : (one.referenceSum ?? 0),
    ),
    weight: (spec.loss === 'kto' ? (desirable ? spec.desirable : spec.undesirable) : 1) / examples.length,
    likelihoodWeight: spec.likelihood / chosenTokens,
    desirable,
    kl,
  }));
  const feeds: Feeds = {
    logprobs: tensor([flat.length, 1], flat),
    ...Object.fromEntries(
      Object.entries(preferenceFeeds(given, flat.length, spec)).map(([name, { data, shape }]) => [
        name,
        tensor(shape, Array.from(data, Number)),
      ]),
    ),
  };
  return lossAndGradient(graph, loss, logprobs, feeds);
}

const tolerance = 2e-6;

describe.each(['dpo', 'orpo', 'simpo'] as const)('graph of %s', (method) => {
  const cases = preferenceCases(method).filter(({ options }) => options.nllOver !== 'promptAndCompletion');
  it.each(cases.map((each) => [each.name, each] as const))('%s', (name, each) => {
    const pairs = pairsOf(each);
    const spec = preferenceSpecOf(method, each);
    const want = pairLoss(pairs, spec);
    const got = byGraph(
      pairs.map(({ chosen, rejected }) => ({ answers: [chosen, rejected], desirable: true })),
      spec,
      0,
    );
    expectClose(got.loss, want.loss, tolerance, `${name}: loss`);
    const gradient = pairs.flatMap((_, pair) => [
      ...want.chosenGradients[pair]!,
      ...want.rejectedGradients[pair]!,
    ]);
    expect(got.gradient).toHaveLength(gradient.length);
    gradient.forEach((slope, token) =>
      expectClose(got.gradient[token]!, slope, tolerance, `${name}: token ${token}`),
    );
  });
});

describe('graph of kto', () => {
  it.each(preferenceCases('kto').map((each) => [each.name, each] as const))('%s', (name, each) => {
    const answers = judgedOf(each);
    const spec = preferenceSpecOf('kto', each);
    const kl = mismatchedKl(mismatchedOf(each));
    const want = judgedLoss(answers, kl, spec);
    const got = byGraph(
      answers.map((answer) => ({ answers: [answer], desirable: answer.desirable })),
      spec,
      kl,
    );
    expectClose(got.loss, want.loss, tolerance, `${name}: loss`);
    want.gradients
      .flatMap((row) => [...row])
      .forEach((slope, token) => expectClose(got.gradient[token]!, slope, tolerance, `token ${token}`));
  });
});

describe('extreme scores keep the compiled loss finite', () => {
  it.each(['sigmoid', 'simpo', 'orpo'] as const)('%s', (loss) => {
    const spec: PreferenceSpec = {
      loss,
      beta: 2,
      labelSmoothing: 0.1,
      average: loss !== 'sigmoid',
      margin: 0,
      likelihood: 0,
      desirable: 1,
      undesirable: 1,
      reference: false,
    };
    for (const [good, bad] of [
      [-1e-9, -400],
      [-400, -1e-9],
      [0, 0],
    ] as const) {
      const got = byGraph(
        [
          {
            answers: [
              { logprobs: [good], referenceSum: null },
              { logprobs: [bad], referenceSum: null },
            ],
            desirable: true,
          },
        ],
        spec,
        0,
      );
      expect(Number.isFinite(got.loss)).toBe(true);
      expect(Array.from(got.gradient).every(Number.isFinite)).toBe(true);
    }
  });
});

describe('graph of the critic', () => {
  it.each(valueCases('value').map((each) => [each.name, each] as const))('%s', (name, each) => {
    const { values, oldValues, returns } = each.input;
    const tokens = values.map((row) => ({ length: row.length, included: true }));
    const weights = exactTokenWeights(tokens, stepTotals(tokens), {
      ...plainLoss,
      aggregation: each.options.agg,
    });
    const clip = each.options.clip ?? null;
    const want = valueLoss(
      values.map((row, answer) => ({
        values: row,
        oldValues: oldValues[answer]!,
        returns: returns[answer]!,
        weights: weights[answer]!,
      })),
      clip,
    );
    const graph = new Graph();
    const leaf = graph.input('values', ['M', 1]);
    const loss = weightedSum(graph, lossInputs.valueWeights, valueTokenLoss(graph, leaf, clip));
    const column = (rows: readonly ArrayLike<number>[]) => {
      const flat = rows.flatMap((row) => Array.from(row));
      return tensor([flat.length, 1], flat);
    };
    const got = lossAndGradient(graph, loss, leaf, {
      values: column(values),
      [lossInputs.oldValues]: column(oldValues),
      [lossInputs.returns]: column(returns),
      [lossInputs.valueWeights]: column(weights),
    });
    expectClose(got.loss, want.loss, 1e-12, `${name}: loss`);
    want.gradients
      .flatMap((row) => [...row])
      .forEach((slope, token) => expectClose(got.gradient[token]!, slope, 1e-12, `token ${token}`));
  });
});

it('names every input once', () => {
  const names = [...Object.values(preferenceInputs), ...Object.values(lossInputs)];
  expect(new Set(names).size).toBe(names.length);
});
