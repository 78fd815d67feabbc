/** A vocabulary beyond the slice limit: scored in slices, it gives what the whole would. */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../src-main/graph/graph.ts';
import { differentiate } from '../../../src-main/graph/differentiate.ts';
import { scoreTokens, vocabularySlices } from '../../../src-main/networks/head.ts';
import { createParameterStore } from '../../../src-main/runtime/load-weights.ts';
import { createLearner } from '../../../src-main/training/compiled-learner.ts';
import { createSampler } from '../../../src-main/rollout/create-sampler.ts';
import { buildLossGraph } from '../../../src-main/training/loss-graph.ts';
import { expectClose, largestSize } from '../../helpers/compare.ts';
import { evaluateGraph, tensor } from '../../helpers/evaluate-graph.ts';
import { noKl, plainLoss } from '../../helpers/loss-forms.ts';
import { lossSequence } from '../../helpers/model-fixtures.ts';
import { layoutFeeds, runLayout } from '../../helpers/run-layout.ts';
import { fillRandom, tinyConfig } from '../../helpers/tiny-model.ts';

const size = 9000;

describe('slices', () => {
  it('cover every word once and only beyond the limit', () => {
    expect(vocabularySlices(8192)).toEqual([null]);
    expect(vocabularySlices(size)).toEqual([
      [0, 4096],
      [4096, 8192],
      [8192, 9000],
    ]);
    expect(vocabularySlices(12288)).toHaveLength(3);
  });
});

describe.each([true, false])('a vocabulary of 9,000 words, tied head: %s', (tiedEmbeddings) => {
  const config = tinyConfig({ vocabularySize: size, tiedEmbeddings });
  const ids = [
    [5, 8999, 0, 4095, 4096, 8191, 8192, 17],
    [8200, 1, 1, 8200, 4500],
  ];
  const sequences = ids.map((row) => ({
    ...lossSequence(row, 2, 0.1),
    advantages: Float32Array.from(row.slice(2), (_, index) => [1, -0.5, 2][index % 3]!),
  }));
  const layout = { rows: 2, width: 8, places: [0, 1].map((row) => ({ row, column: 0 })) };

  it('agrees with the unsliced form in double precision', async () => {
    const store = await createParameterStore(config, true);
    fillRandom(store, 3);
    const result = await runLayout(config, store, sequences, layout, 'pg');

    // The hidden vectors of the model, then a head of one piece.
    const feeds = layoutFeeds(config, store, sequences, layout);
    const built = buildLossGraph(config, {
      surrogate: plainLoss,
      kl: noKl,
      onPolicy: true,
      accumulate: false,
    });
    const [hidden, , targets] = built.logprobs.node.inputs;
    const values = evaluateGraph([built.loss.node, hidden!], feeds);
    const graph = new Graph();
    const name = tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
    const h = graph.input('h', ['M', config.hiddenSize]);
    const targetInput = graph.input('targets', ['M'], 'int32');
    const whole = scoreTokens(graph, h, { name, shape: [size, config.hiddenSize] }, targetInput, [null]);
    const weighted = graph.multiply(whole.logprobs, graph.input('weights', ['M', 1]));
    const loss = graph.reshape(graph.reduceSum(weighted, [0, 1]), []);
    const derivative = differentiate(graph, loss, ({ operation }) => operation.kind === 'parameter');
    const weights = sequences.flatMap((one) => [...one.advantages].map((advantage) => -0.1 * advantage));
    const exact = evaluateGraph([loss, whole.logprobs, whole.entropies, derivative.gradients[0]!.gradient], {
      h: values.get(hidden!)!,
      targets: evaluateGraph([targets!], feeds).get(targets!)!,
      weights: tensor([weights.length, 1], weights),
      [name]: feeds[name]!,
    });
    expectClose(result.logprobs, exact.get(whole.logprobs)!.data, { absolute: 2e-6 }, 'log-probabilities');
    expectClose(result.entropies, exact.get(whole.entropies)!.data, { absolute: 1e-5 }, 'entropies');
    expectClose([result.loss], exact.get(loss)!.data, { relative: 1e-5 }, 'loss');
    // Untied, the head's gradient is this head's alone: its product with the softmax, and the rows of the targets.
    if (tiedEmbeddings) return;
    const head = exact.get(derivative.gradients[0]!.gradient)!.data.slice();
    const [row] = derivative.rows;
    const added = evaluateGraph([row!.rows], {
      ...feeds,
      h: values.get(hidden!)!,
      weights: tensor([weights.length, 1], weights),
    });
    evaluateGraph([targets!], feeds)
      .get(targets!)!
      .data.forEach((id, index) => {
        for (let at = 0; at < config.hiddenSize; at++)
          head[id * config.hiddenSize + at]! += added.get(row!.rows)!.data[index * config.hiddenSize + at]!;
      });
    expectClose(
      result.gradients.get(name)!,
      head,
      { absolute: 2e-6 * largestSize(head) },
      'gradient of the head',
    );
  });

  it('is trained and sampled alike', async () => {
    const store = await createParameterStore(config, true);
    fillRandom(store, 4);
    const expected = await runLayout(config, store, sequences, layout, 'pg');
    const learner = await createLearner({ config, store, microBatchTokens: 8, sourceFolder: '' });
    await learner.accumulate(sequences, plainLoss, noKl, 1);
    for (const { name } of store.parameters) {
      const whole = expected.gradients.get(name)!;
      expectClose(store.gradient(name), whole, { absolute: 3e-6 * largestSize(whole) }, name);
    }
    learner.step({ learningRate: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, clipNorm: 1 });
    const sampler = await createSampler({ config, weights: store });
    const requests = ids.map((row, index) => ({ promptIds: Int32Array.from(row), stream: [index] }));
    const answers = await sampler.generate(requests, {
      maxTokens: 6,
      temperature: 1,
      topP: 1,
      topK: 0,
      stopIds: [],
    });
    const scores = await learner.score(
      answers.map((answer, index) => ({ promptIds: requests[index]!.promptIds, answerIds: answer.ids })),
      1,
    );
    answers.forEach(({ logprobs }, index) =>
      expectClose(logprobs, scores[index]!.logprobs, { absolute: 1e-4 }, `answer ${index}`),
    );
    await sampler.dispose();
    await learner.dispose();
  });
});
