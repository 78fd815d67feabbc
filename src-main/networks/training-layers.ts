/**
 * Layers that can be differentiated. Values are [B·T, width] with one row for each token of B rows of T tokens, whatever
 * the arrangement of sequences in them: positions and masks say who sees whom.
 */
import type { Shape } from '../graph/dimension.ts';
import { multiply } from '../graph/dimension.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import type { ModelConfig } from '../models/config.ts';
import type { Layers, LinearOptions } from './layers.ts';

/** Names of what is fed for each batch; data made by training/batch-layout.ts. */
export const batchInputs = {
  /** Token ids [B·T] int32. */
  ids: 'ids',
  /** Position of each token in its sequence [B, T] int64, and [B·T] int32 where positions are learned. */
  positions: 'positions',
  positionRows: 'position-rows',
  /** Added to scores: 0 where token i may see token j, a large negative number elsewhere [B, 1, 1, T, T]. */
  mask: (window: number | null): string => (window === null ? 'mask' : `mask-${window}`),
  cos: 'rope-cos',
  sin: 'rope-sin',
} as const;

export class TrainingLayers implements Layers<GraphNode> {
  readonly #graph: Graph;
  readonly #config: ModelConfig;
  readonly #shapes: ReadonlyMap<string, Shape>;

  constructor(graph: Graph, config: ModelConfig, shapes: ReadonlyMap<string, Shape>) {
    this.#graph = graph;
    this.#config = config;
    this.#shapes = shapes;
  }

  #parameter(name: string): GraphNode {
    const shape = this.#shapes.get(name);
    if (!shape) throw new Error(`internal: no shape for parameter ${name}`);
    return this.#graph.parameter(name, shape);
  }

  embed(table: string): GraphNode {
    return this.#graph.embed(this.#parameter(table), this.#graph.input(batchInputs.ids, ['B*T'], 'int32'));
  }
  addPositions(x: GraphNode, table: string): GraphNode {
    const rows = this.#graph.input(batchInputs.positionRows, ['B*T'], 'int32');
    return this.#graph.addition(x, this.#graph.embed(this.#parameter(table), rows));
  }
  rmsNorm(x: GraphNode, weight: string): GraphNode {
    return this.#graph.rmsNorm(x, this.#parameter(weight), this.#config.normEps);
  }
  layerNorm(x: GraphNode, weight: string, bias: string): GraphNode {
    return this.#graph.layerNorm(x, this.#parameter(weight), this.#parameter(bias), this.#config.normEps);
  }
  linear(
    x: GraphNode,
    weight: string,
    { bias = null, residual, transposed = false }: LinearOptions<GraphNode> = {},
  ): GraphNode {
    const options = { transposeB: !transposed };
    const matrix = this.#parameter(weight);
    if (bias === null) return this.#graph.gemm(x, matrix, { ...options, c: residual });
    const result = this.#graph.gemm(x, matrix, { ...options, c: this.#parameter(bias) });
    return residual ? this.#graph.addition(result, residual) : result;
  }
  linears(x: GraphNode, weights: readonly string[], biases: readonly string[] | null): GraphNode[] {
    return weights.map((weight, index) => this.linear(x, weight, { bias: biases?.[index] ?? null }));
  }
  split(x: GraphNode, widths: readonly number[]): GraphNode[] {
    let start = 0;
    return widths.map((width) => this.#graph.slice(x, 1, start, (start += width)));
  }
  headNorm(x: GraphNode, weight: string): GraphNode {
    const { headSize } = this.#config;
    const width = x.shape[1];
    const heads = typeof width === 'number' ? width / headSize : 1;
    return this.#graph.reshape(
      this.rmsNorm(this.#graph.reshape(x, [multiply('B*T', heads), headSize]), weight),
      x.shape,
    );
  }

  attention(q: GraphNode, k: GraphNode, v: GraphNode, _layer: number, window: number | null): GraphNode {
    const graph = this.#graph;
    const { headCount, keyValueHeadCount, headSize } = this.#config;
    const group = headCount / keyValueHeadCount;
    const grouped: Shape = ['B', keyValueHeadCount, multiply('T', group), headSize];
    const queries = graph.reshape(this.#rotate(this.#heads(q, headCount)), grouped);
    const keys = this.#rotate(this.#heads(k, keyValueHeadCount));
    const values = this.#heads(v, keyValueHeadCount);
    // The queries of a group lie below each other, so that the sums over a group happen inside the matrix products.
    const scores = graph.matmul(queries, keys, { transposeB: true, alpha: 1 / Math.sqrt(headSize) });
    const mask = graph.input(batchInputs.mask(window), ['B', 1, 1, 'T', 'T']);
    const masked = graph.addition(graph.reshape(scores, ['B', keyValueHeadCount, group, 'T', 'T']), mask);
    const mixed = graph.attend(
      graph.reshape(masked, ['B', keyValueHeadCount, multiply('T', group), 'T']),
      values,
    );
    const perHead = graph.transpose(graph.reshape(mixed, ['B', headCount, 'T', headSize]), [0, 2, 1, 3]);
    return graph.reshape(perHead, ['B*T', headCount * headSize]);
  }

  /** [B·T, heads · size] → [B, heads, T, size]. */
  #heads(x: GraphNode, heads: number): GraphNode {
    return this.#graph.transpose(
      this.#graph.reshape(x, ['B', 'T', heads, this.#config.headSize]),
      [0, 2, 1, 3],
    );
  }

  #rotate(x: GraphNode): GraphNode {
    if (this.#config.rope === null) return x;
    const tables = (name: string): GraphNode => this.#graph.input(name, ['P', this.#config.headSize / 2]);
    return this.#graph.rope(
      x,
      this.#graph.input(batchInputs.positions, ['B', 'T'], 'int64'),
      tables(batchInputs.cos),
      tables(batchInputs.sin),
    );
  }

  gatedSilu(gate: GraphNode, up: GraphNode): GraphNode {
    return this.#graph.gatedSilu(gate, up);
  }
  gelu(x: GraphNode, form: 'tanh' | 'exact'): GraphNode {
    return gelu(this.#graph, x, form);
  }
}

/** Gaussian error linear unit (Hendrycks & Gimpel 2016), exact or by its tanh approximation. */
export function gelu(graph: Graph, x: GraphNode, form: 'tanh' | 'exact'): GraphNode {
  const one = graph.scalar(1);
  const half = graph.scale(x, 0.5);
  if (form === 'exact')
    return graph.multiply(half, graph.addition(one, graph.unary('erf', graph.scale(x, Math.SQRT1_2))));
  const cubic = graph.multiply(x, graph.addition(one, graph.scale(graph.multiply(x, x), 0.044715)));
  return graph.multiply(
    half,
    graph.addition(one, graph.unary('tanh', graph.scale(cubic, Math.sqrt(2 / Math.PI)))),
  );
}
