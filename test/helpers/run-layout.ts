/** Runs the graphs of learning on an arrangement of sequences made by hand. */
import type { ModelConfig } from '../../src-main/models/config.ts';
import { batchInputs, TrainingLayers } from '../../src-main/networks/training-layers.ts';
import { buildNetwork, networkEnds } from '../../src-main/networks/architectures.ts';
import { expectedTensors } from '../../src-main/models/expected-tensors.ts';
import { Graph } from '../../src-main/graph/graph.ts';
import type { Output } from '../../src-main/graph/compile.ts';
import { evaluate as sizeOf } from '../../src-main/graph/dimension.ts';
import { ropeTables } from '../../src-main/runtime/rope-tables.ts';
import type { ParameterStore } from '../../src-main/runtime/parameter-store.ts';
import type { BatchLayout } from '../../src-main/training/batch-layout.ts';
import { fillBatch } from '../../src-main/training/batch-layout.ts';
import type { LossSequence } from '../../src-main/training/learner.ts';
import type { LossForm } from '../../src-main/training/loss-graph.ts';
import { buildLossGraph, lossInputs } from '../../src-main/training/loss-graph.ts';
import { lossFeeds } from '../../src-main/training/sequence-arrays.ts';
import { nllLoss, plainLoss } from './loss-forms.ts';
import type { Feeds } from './evaluate-graph.ts';
import { tensor } from './evaluate-graph.ts';
import { runGraph } from './run-graph.ts';

/** Everything that a graph of learning is fed, weights included. */
export function layoutFeeds(
  config: ModelConfig,
  store: ParameterStore,
  sequences: readonly LossSequence[],
  layout: BatchLayout,
  temperature = 1,
): Feeds {
  const batch = fillBatch(sequences, layout, [...new Set(config.slidingWindow)]);
  const all = {
    ...batch.feeds,
    ...lossFeeds(sequences, batch.scored, { ...plainLoss, ratio: 'seqMean' }),
  };
  const feeds = Object.fromEntries(
    Object.entries(all).map(([name, { data, shape }]) => [name, tensor(shape, Array.from(data, Number))]),
  );
  feeds[lossInputs.inverseTemperature] = tensor([], [1 / temperature]);
  if (config.rope) {
    const { cos, sin, length, half } = ropeTables(config.rope, layout.width);
    feeds[batchInputs.cos] = tensor([length, half], cos);
    feeds[batchInputs.sin] = tensor([length, half], sin);
  }
  for (const { name, shape } of store.parameters) feeds[name] = tensor(shape, store.weights(name));
  return feeds;
}

export interface LayoutResult {
  readonly loss: number;
  readonly logprobs: Float32Array;
  readonly entropies: Float32Array;
  /** By parameter. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

function runtimeShapes(outputs: readonly Output[], feeds: Feeds): number[][] {
  const [b, t] = feeds[batchInputs.positions]!.shape;
  const sizes = { B: b!, T: t!, M: feeds[lossInputs.targets]!.shape[0]! };
  return outputs.map(({ node }) => node.shape.map((dimension) => sizeOf(dimension, sizes)));
}

/** Loss and gradients of a batch in this layout. */
export async function runLayout(
  config: ModelConfig,
  store: ParameterStore,
  sequences: readonly LossSequence[],
  layout: BatchLayout,
  kind: 'pg' | 'nll',
): Promise<LayoutResult> {
  const form: LossForm = {
    surrogate: kind === 'pg' ? plainLoss : nllLoss,
    kl: { where: 'none', estimator: 'k1', coefficient: 0 },
    onPolicy: true,
    accumulate: false,
  };
  const built = buildLossGraph(config, form);
  const feeds = layoutFeeds(config, store, sequences, layout);
  const outputs = [built.loss, built.logprobs, built.entropies, ...built.gradients, ...built.rows];
  const [loss, logprobs, entropies, ...rest] = await runGraph(
    built.graph,
    outputs,
    runtimeShapes(outputs, feeds),
    feeds,
  );
  const gradients = new Map<string, Float32Array>();
  const sumOf = (name: string): Float32Array => {
    const sum = gradients.get(name) ?? new Float32Array(feeds[name]!.data.length);
    gradients.set(name, sum);
    return sum;
  };
  built.gradients.forEach(({ parameter, rows }, index) => {
    sumOf(parameter).set(rest[index]!, rows ? rows[0] * config.hiddenSize : 0);
  });
  built.rows.forEach(({ parameter, ids }, index) => {
    const sum = sumOf(parameter);
    const added = rest[built.gradients.length + index]!;
    feeds[ids]!.data.forEach((id, row) => {
      for (let at = 0; at < config.hiddenSize; at++)
        sum[id * config.hiddenSize + at]! += added[row * config.hiddenSize + at]!;
    });
  });
  return { loss: loss![0]!, logprobs: logprobs!, entropies: entropies!, gradients };
}

/** Logits [B, T, V] of every token. */
export async function runLogits(
  config: ModelConfig,
  store: ParameterStore,
  sequences: readonly LossSequence[],
  layout: BatchLayout,
): Promise<Float32Array> {
  const graph = new Graph();
  const shapes = new Map(expectedTensors(config).map(({ name, shape }) => [name, shape]));
  const { hidden, finalNorm } = buildNetwork(new TrainingLayers(graph, config, shapes), config);
  const head = graph.parameter(networkEnds(config).head, [config.vocabularySize, config.hiddenSize]);
  const logits = { name: 'logits', node: graph.gemm(finalNorm(hidden), head, { transposeB: true }) };
  const feeds = layoutFeeds(config, store, sequences, layout);
  const [result] = await runGraph(graph, [logits], runtimeShapes([logits], feeds), feeds);
  return result!;
}
