/** The compiled loss against the same formulas in double precision (estimators/surrogate.ts). */
import { describe, expect, it } from 'vitest';
import type { KlSpec, SurrogateSpec } from '../../../src-main/contract/estimator.ts';
import { randomSequence } from '../../../src-main/contract/random.ts';
import { clippedTerm, ratiosOf, surrogateLoss } from '../../../src-main/estimators/surrogate.ts';
import { differentiate } from '../../../src-main/graph/differentiate.ts';
import { Graph } from '../../../src-main/graph/graph.ts';
import { createParameterStore } from '../../../src-main/runtime/load-weights.ts';
import { createLearner } from '../../../src-main/training/compiled-learner.ts';
import type { LossSequence } from '../../../src-main/training/learner.ts';
import { lossInputs, tokenLoss } from '../../../src-main/training/loss-graph.ts';
import { lossFeeds } from '../../../src-main/training/sequence-arrays.ts';
import { expectClose, largestSize } from '../../helpers/compare.ts';
import type { Feeds } from '../../helpers/evaluate-graph.ts';
import { tensor } from '../../helpers/evaluate-graph.ts';
import { noKl, plainLoss } from '../../helpers/loss-forms.ts';
import { runGraph } from '../../helpers/run-graph.ts';
import { fillRandom, tinyConfig } from '../../helpers/tiny-model.ts';

const kinds = ['pg', 'nll', 'ppoClip', 'cispo'] as const;
const ratios = ['token', 'seqMean', 'seqSum'] as const;
const penalties: KlSpec[] = [
  noKl,
  { where: 'loss', estimator: 'k2', coefficient: 0.3 },
  { where: 'loss', estimator: 'k3', coefficient: 0.05 },
  // A penalty in the reward has no part in the loss.
  { where: 'reward', estimator: 'k1', coefficient: 0.5 },
];

interface Form {
  readonly name: string;
  readonly surrogate: SurrogateSpec;
  readonly kl: KlSpec;
  readonly onPolicy: boolean;
}

const forms: Form[] = [];
for (const kind of kinds) {
  for (const ratio of kind === 'ppoClip' || kind === 'cispo' ? ratios : (['token'] as const)) {
    for (const dualClip of kind === 'ppoClip' ? [undefined, 1.6] : [undefined]) {
      for (const onPolicy of [false, true]) {
        for (const kl of ratio === 'token' || !onPolicy ? penalties : [noKl]) {
          const surrogate = {
            ...plainLoss,
            kind,
            ratio,
            clipLow: 0.2,
            clipHigh: 0.28,
            ...(dualClip ? { dualClip } : {}),
          };
          const parts = [kind, ratio, dualClip ? 'dual clip' : '', onPolicy ? 'on policy' : 'off policy'];
          const penalty = kl.where === 'none' ? '' : `${kl.estimator} in the ${kl.where}`;
          forms.push({ name: [...parts, penalty].filter(Boolean).join(', '), surrogate, kl, onPolicy });
        }
      }
    }
  }
}

/** Answers of different lengths, one empty; ratios within, below and far above the band, advantages of both signs and 0, weights of 0. */
function makeAnswers(
  onPolicy: boolean,
  ratio: SurrogateSpec['ratio'],
): (LossSequence & { logprobs: Float32Array })[] {
  const next = randomSequence([5, onPolicy ? 1 : 0]);
  return [5, 1, 0, 7, 6, 3, 4, 9].map((length, index) => {
    const draw = (of: () => number): Float32Array => Float32Array.from({ length }, of);
    const logprobs = draw(() => -3 * next() - 0.01);
    // Sums over an answer grow with its length, means shrink: the same spread of ratios for all three.
    const spread = ratio === 'seqSum' ? 0.4 : ratio === 'seqMean' ? 2 : 1;
    const shift = ratio !== 'token' && index % 2 === 0 ? 0.6 : 0;
    return {
      promptIds: Int32Array.of(0),
      answerIds: new Int32Array(length),
      logprobs,
      advantages: draw(() => [0, 1.5, -1.5, 0.3, -2][Math.floor(next() * 5)]!),
      oldLogprobs: onPolicy ? null : logprobs.map((logprob) => logprob + spread * (next() - 0.6) + shift),
      referenceLogprobs: logprobs.map((logprob) => logprob + next() - 0.5),
      weights: draw(() => [0, 0.1, 0.25][Math.floor(next() * 3)]!),
    };
  });
}

describe('value and gradient through the log-probabilities', () => {
  it.each(forms)('$name', async ({ surrogate, kl, onPolicy }) => {
    const answers = makeAnswers(onPolicy, surrogate.ratio);
    const expected = surrogateLoss(answers, surrogate, kl);

    const graph = new Graph();
    const logprobs = graph.input('logprobs', ['M', 1]);
    const perToken = tokenLoss(graph, logprobs, { surrogate, kl, onPolicy, accumulate: false });
    const weighted = graph.multiply(graph.input(lossInputs.weights, ['M', 1]), perToken);
    const loss = graph.reshape(graph.reduceSum(weighted, [0, 1]), []);
    const { gradients } = differentiate(graph, loss, (leaf) => leaf === logprobs);
    const scored = answers.reduce((sum, { answerIds }) => sum + answerIds.length, 0);
    const feeds: Feeds = {
      logprobs: tensor(
        [scored, 1],
        answers.flatMap((answer) => [...answer.logprobs]),
      ),
      ...Object.fromEntries(
        Object.entries(lossFeeds(answers, scored, surrogate)).map(([name, { data, shape }]) => [
          name,
          tensor(shape, Array.from(data, Number)),
        ]),
      ),
    };
    const outputs = [
      { name: 'loss', node: loss },
      { name: 'gradient', node: gradients[0]!.gradient },
    ];
    const [value, gradient] = await runGraph(graph, outputs, [[], [scored, 1]], feeds);
    const bound = { relative: 1e-5, absolute: 1e-6 };
    expectClose(value!, [expected.loss], bound, 'loss');
    expectClose(
      gradient!,
      expected.gradients.flatMap((one) => [...one]),
      bound,
      'gradient',
    );
  });

  it('covers every branch of the clipped loss', () => {
    for (const ratio of ratios) {
      const surrogate: SurrogateSpec = {
        ...plainLoss,
        kind: 'ppoClip',
        ratio,
        clipHigh: 0.28,
        dualClip: 1.6,
      };
      const branches = new Set(
        makeAnswers(false, ratio).flatMap((answer) =>
          Array.from(ratiosOf(answer, ratio), (value, token) =>
            answer.weights[token] === 0
              ? 'masked'
              : clippedTerm(value, answer.advantages[token]!, surrogate).clipped,
          ),
        ),
      );
      expect(branches, ratio).toEqual(new Set(['masked', 'low', 'high', 'dual', null]));
    }
  });

  it('treats a ratio on the edge of the band as inside it', async () => {
    const surrogate: SurrogateSpec = { ...plainLoss, kind: 'ppoClip', clipLow: 0, clipHigh: 0 };
    const graph = new Graph();
    const logprobs = graph.input('logprobs', ['M', 1]);
    const form = { surrogate, kl: noKl, onPolicy: true, accumulate: false };
    const loss = graph.reshape(graph.reduceSum(tokenLoss(graph, logprobs, form), [0, 1]), []);
    const { gradients } = differentiate(graph, loss, (leaf) => leaf === logprobs);
    const [gradient] = await runGraph(graph, [{ name: 'g', node: gradients[0]!.gradient }], [[3, 1]], {
      logprobs: tensor([3, 1], [-1, -2, -3]),
      [lossInputs.advantages]: tensor([3, 1], [1, -2, 0]),
    });
    expect([...gradient!]).toEqual([-1, 2, expect.closeTo(0)]);
  });
});

describe('through the whole model', () => {
  const config = tinyConfig();
  const ids = [
    [1, 2, 3, 4, 5, 6],
    [7, 8, 9],
    [10, 11, 0, 1, 2, 3, 4, 5],
  ];

  it.each(ratios)('equals the policy gradient with the slopes of the formulas (%s)', async (ratio) => {
    const store = await createParameterStore(config, true);
    fillRandom(store, 8);
    const learner = await createLearner({ config, store, microBatchTokens: 8, sourceFolder: '' });
    const surrogate: SurrogateSpec = { ...plainLoss, kind: 'ppoClip', ratio, dualClip: 3 };
    const kl: KlSpec = { where: 'loss', estimator: 'k3', coefficient: 0.1 };
    const plain = ids.map((row) => ({
      promptIds: Int32Array.from(row.slice(0, 1)),
      answerIds: Int32Array.from(row.slice(1)),
    }));
    const temperature = 0.8;
    const present = await learner.score(plain, temperature);
    const next = randomSequence([6]);
    const sequences: LossSequence[] = plain.map((one, index) => {
      const { logprobs } = present[index]!;
      return {
        ...one,
        advantages: logprobs.map(() => 4 * next() - 2),
        oldLogprobs: logprobs.map((logprob) => logprob + 0.6 * (next() - 0.5)),
        referenceLogprobs: logprobs.map((logprob) => logprob + 0.6 * (next() - 0.5)),
        weights: logprobs.map((_, token) => (token === 1 ? 0 : 0.2)),
      };
    });
    const expected = surrogateLoss(
      sequences.map((sequence, index) => ({ ...sequence, logprobs: present[index]!.logprobs })),
      surrogate,
      kl,
    );
    const { loss, scores } = await learner.accumulate(sequences, surrogate, kl, temperature);
    expectClose([loss], [expected.loss], { relative: 1e-5, absolute: 1e-6 }, 'loss');
    scores.forEach(({ logprobs }, index) =>
      expectClose(logprobs, present[index]!.logprobs, { absolute: 2e-6 }, 'scores before the update'),
    );
    const gradients = store.parameters.map(({ name }) => store.gradient(name).slice());
    learner.step({ learningRate: 0, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, clipNorm: null });

    const linear = sequences.map((sequence, index) => ({
      ...sequence,
      advantages: Float32Array.from(expected.gradients[index]!, (slope) => -slope),
      weights: new Float32Array(sequence.answerIds.length).fill(1),
      oldLogprobs: null,
    }));
    await learner.accumulate(linear, plainLoss, noKl, temperature);
    store.parameters.forEach(({ name }, index) => {
      const bound = { absolute: 1e-5 * largestSize(store.gradient(name)) };
      expectClose(gradients[index]!, store.gradient(name), bound, name);
    });
    await learner.dispose();
  });

  it('scores the reference policy with the weights that were kept', async () => {
    const store = await createParameterStore(config, true);
    fillRandom(store, 9);
    const learner = await createLearner({ config, store, microBatchTokens: 64, sourceFolder: '' });
    const sequence = { promptIds: Int32Array.of(1), answerIds: Int32Array.of(2, 3, 4) };
    await expect(learner.score([sequence], 1, 'reference')).rejects.toThrow('no reference policy');
    const [before] = await learner.score([sequence], 1);
    learner.keepReference();
    fillRandom(store, 10);
    const [kept] = await learner.score([sequence], 1, 'reference');
    const [after] = await learner.score([sequence], 1);
    expect([...kept!.logprobs]).toEqual([...before!.logprobs]);
    expect([...after!.logprobs]).not.toEqual([...before!.logprobs]);
    await learner.dispose();
  });
});
