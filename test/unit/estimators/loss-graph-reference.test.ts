/**
 * The graph that training compiles computes the reference loss and gradient too: its nodes, evaluated in double
 * precision, against estimators/surrogate.ts on the cases of TRL, verl and OpenRLHF.
 */
import { describe, expect, it } from 'vitest';
import type { KlTerm } from '../../../src-main/estimators/kl-estimate.ts';
import { surrogateLoss, type SurrogateAnswer } from '../../../src-main/estimators/surrogate.ts';
import type { SurrogateSpec } from '../../../src-main/contract/estimator.ts';
import { differentiate } from '../../../src-main/graph/differentiate.ts';
import { Graph } from '../../../src-main/graph/graph.ts';
import type { GraphNode } from '../../../src-main/graph/graph.ts';
import { lessEntropy, lossInputs, tokenLoss } from '../../../src-main/training/loss-graph.ts';
import { lossFeeds } from '../../../src-main/training/sequence-arrays.ts';
import { evaluateGraph, tensor, type Feeds } from '../../helpers/evaluate-graph.ts';
import { answersOf, klOf, lossCases, surrogateOf, type LossCase } from './loss-fixture.ts';
import { expectClose } from './numbers.ts';

/** Loss and gradient of all tokens, answer after answer, by the graph. */
function byGraph(
  answers: readonly SurrogateAnswer[],
  surrogate: SurrogateSpec,
  kl: KlTerm,
): { loss: number; gradient: Float64Array; entropyGradient: Float64Array | null } {
  const graph = new Graph();
  const logprobs = graph.input('logprobs', ['M', 1]);
  const onPolicy = answers.every((answer) => answer.oldLogprobs === null);
  const entropies = graph.input('entropies', ['M', 1]);
  const form = { surrogate, kl, onPolicy, accumulate: false };
  const weighted = graph.multiply(
    graph.input(lossInputs.weights, ['M', 1]),
    lessEntropy(graph, tokenLoss(graph, logprobs, form), entropies, form),
  );
  const loss = graph.reshape(graph.reduceSum(weighted, [0, 1]), []);
  const { gradients } = differentiate(graph, loss, (leaf) => leaf === logprobs || leaf === entropies);
  const flat = (pick: (answer: SurrogateAnswer) => ArrayLike<number> | null): number[] =>
    answers.flatMap((answer) => Array.from(pick(answer) ?? answer.logprobs));
  const count = flat(({ logprobs: own }) => own).length;
  const column = (values: number[]) => tensor([count, 1], values);
  const sequences = answers.map((answer) => ({
    promptIds: Int32Array.of(0),
    answerIds: new Int32Array(answer.logprobs.length),
    advantages: Float32Array.from(answer.advantages),
    oldLogprobs: null,
    referenceLogprobs: null,
    weights: Float32Array.from(answer.weights),
  }));
  const matrices = Object.entries(lossFeeds(sequences, count, surrogate)).flatMap(
    ([name, { data, shape }]) =>
      name === lossInputs.answerWeights || name === lossInputs.answerMembers
        ? [[name, tensor(shape, Array.from(data, Number))] as const]
        : [],
  );
  const feeds: Feeds = {
    ...Object.fromEntries(matrices),
    logprobs: column(flat(({ logprobs: own }) => own)),
    entropies: column(flat(({ entropies: own }) => own ?? null)),
    [lossInputs.weights]: column(flat(({ weights }) => weights)),
    [lossInputs.advantages]: column(flat(({ advantages }) => advantages)),
    [lossInputs.oldLogprobs]: column(flat(({ oldLogprobs }) => oldLogprobs)),
    [lossInputs.referenceLogprobs]: column(flat(({ referenceLogprobs }) => referenceLogprobs)),
  };
  const gradientOf = (leaf: GraphNode): GraphNode | undefined =>
    gradients.find(({ parameter }) => parameter === leaf)?.gradient;
  const gradient = gradientOf(logprobs) ?? expect.fail('no gradient');
  const ofEntropy = gradientOf(entropies);
  const values = evaluateGraph([loss, gradient, ...(ofEntropy ? [ofEntropy] : [])], feeds);
  return {
    loss: values.get(loss)!.data[0]!,
    gradient: values.get(gradient)!.data,
    entropyGradient: ofEntropy ? values.get(ofEntropy)!.data : null,
  };
}

/** The graph knows all KL terms but those with the bounds of other libraries; k1 only where another gradient is asked for. */
function isKnown(kl: KlTerm): boolean {
  if (kl.clampLogRatio !== undefined || kl.clampValue !== undefined) return false;
  return kl.where === 'none' || kl.estimator !== 'k1' || (kl.gradient ?? 'estimator') !== 'estimator';
}

const methods = [
  'pg',
  'ppo-clip',
  'sft',
  'kl-in-loss',
  'gspo',
  'cispo',
  'rloo-sequence-ratio',
  'entropy-bonus',
];

/** The graph aggregates KL and entropy as the loss. */
function isAlike({ options: { kl, entropy, surrogate } }: LossCase): boolean {
  return kl?.agg === undefined && (entropy === undefined || entropy.agg === surrogate?.agg);
}

describe.each(methods)('graph of %s', (method) => {
  const cases = lossCases(method).filter(
    (each) => isKnown(klOf(each)) && isAlike(each) && each.input.mask === undefined,
  );

  it.each(cases.map((each) => [each.name, each] as const))('%s', (name, each) => {
    const answers = answersOf(each);
    const spec = surrogateOf(each);
    const kl = klOf(each);
    const want = surrogateLoss(answers, spec, kl);
    const got = byGraph(answers, spec, kl);
    // The weights of whole-answer ratios are fed in single precision.
    const tolerance = spec.ratio === 'token' ? 1e-12 : 1e-6;
    expectClose(got.loss, want.loss, tolerance, `${name}: loss`);
    const gradient = want.gradients.flatMap((row) => Array.from(row));
    expect(got.gradient).toHaveLength(gradient.length);
    gradient.forEach((value, token) =>
      expectClose(got.gradient[token]!, value, tolerance, `${name}: token ${token}`),
    );
    const ofEntropies = want.entropyGradients.flatMap((row) => Array.from(row));
    expect(got.entropyGradient?.length ?? 0).toBe(ofEntropies.length);
    ofEntropies.forEach((value, token) =>
      expectClose(got.entropyGradient![token]!, value, tolerance, `${name}: entropy ${token}`),
    );
  });
});
