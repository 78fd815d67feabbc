/** The graph of the sampler: new tokens in, the distribution of the next token of each sequence out, caches updated in place. */
import type { Output } from '../graph/compile.ts';
import { Graph } from '../graph/graph.ts';
import type { ModelConfig } from '../models/config.ts';
import { expectedTensors } from '../models/expected-tensors.ts';
import { buildNetwork, networkEnds } from '../networks/architectures.ts';
import { DecodingLayers } from '../networks/decoding-layers.ts';

export const samplingInputs = {
  /** Rows among all B·S of which the next token is asked for [R] int32: the last of each sequence, or more of a prompt. */
  lastRows: 'last-rows',
  /** One number. */
  inverseTemperature: 'inverse-temperature',
} as const;

export interface DecodingGraph {
  readonly graph: Graph;
  /** Probabilities of the next token after each row asked for [R, V]. */
  readonly probabilities: Output;
}

/** `join`: weights that lie side by side are fed as one matrix. */
export function buildDecodingGraph(config: ModelConfig, join: boolean): DecodingGraph {
  const graph = new Graph();
  const shapes = new Map(expectedTensors(config).map(({ name, shape }) => [name, shape]));
  const { hidden, finalNorm } = buildNetwork(new DecodingLayers(graph, config, shapes, join), config);
  const last = graph.embed(hidden.node, graph.input(samplingInputs.lastRows, ['R'], 'int32'));
  const normed = finalNorm({ node: last, layout: 'rows' }).node;
  const cooled = graph.multiply(normed, graph.input(samplingInputs.inverseTemperature, []));
  const head = graph.parameter(networkEnds(config).head, [config.vocabularySize, config.hiddenSize]);
  const logits = graph.transpose(graph.gemm(head, cooled, { transposeB: true }), [1, 0]);
  return { graph, probabilities: { name: 'probabilities', node: graph.softmax(logits) } };
}
