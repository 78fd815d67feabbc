/**
 * Layers that go on from a key-value cache, for the sampler. The weight stands on the left of every product, since ONNX
 * Runtime packs only the right operand and that is then the small one; values are therefore kept as rows [n, width] or
 * columns [width, n], whichever the last operation gave.
 */
import type { Shape } from '../graph/dimension.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import type { ModelConfig } from '../models/config.ts';
import type { Layers, LinearOptions } from './layers.ts';
import { gelu } from './training-layers.ts';

/** Names of what is fed for each step: B sequences of S new tokens, caches of P positions. */
export const decodingInputs = {
  /** Token ids [B·S] int32, and as [B, S] int32 (only its shape is used). */
  ids: 'ids',
  /** Position of each token [B, S] int64, and [B·S] int32 where positions are learned. */
  positions: 'positions',
  positionRows: 'position-rows',
  /** For each sequence, its length so far with the new tokens, less one [B] int32. */
  lastPositions: 'last-positions',
  /** The longest of these lengths [1] int32. */
  longest: 'longest',
  cos: 'rope-cos',
  sin: 'rope-sin',
} as const;

/** Names of the caches of a layer [B, K, P, head size]; fed under `past`, updated in place and fetched under `present`. */
export function cacheNames(layer: number): {
  key: string;
  value: string;
  presentKey: string;
  presentValue: string;
} {
  return {
    key: `past-key-${layer}`,
    value: `past-value-${layer}`,
    presentKey: `present-key-${layer}`,
    presentValue: `present-value-${layer}`,
  };
}

/** The fused attention operator takes heads of whole eights; smaller ones are filled up with zeros. */
export function cachedHeadSize({ headSize }: ModelConfig): number {
  return Math.ceil(headSize / 8) * 8;
}

/** A hidden vector for each token, as rows [n, width] or columns [width, n]; or a part of joined columns. */
export interface DecodingValue {
  readonly node: GraphNode;
  readonly layout: 'rows' | 'columns';
  /** Set on the results of `linears`: where in the joined columns the part lies. */
  readonly part?: { readonly joined: GraphNode; readonly start: number; readonly end: number };
}

export class DecodingLayers implements Layers<DecodingValue> {
  readonly #graph: Graph;
  readonly #config: ModelConfig;
  readonly #shapes: ReadonlyMap<string, Shape>;
  /** Whether weights that belong together may be fed as one matrix. */
  readonly #join: boolean;

  constructor(graph: Graph, config: ModelConfig, shapes: ReadonlyMap<string, Shape>, join: boolean) {
    this.#graph = graph;
    this.#config = config;
    this.#shapes = shapes;
    this.#join = join;
  }

  #shape(name: string): Shape {
    const shape = this.#shapes.get(name);
    if (!shape) throw new Error(`internal: no shape for parameter ${name}`);
    return shape;
  }
  #parameter(name: string): GraphNode {
    return this.#graph.parameter(name, this.#shape(name));
  }
  /** Vectors as one column each: [width, 1]. */
  #columnParameter(names: readonly string[]): GraphNode {
    const vector = this.#joined(names);
    return this.#graph.reshape(vector, [vector.shape[0] ?? 1, 1]);
  }
  #joined(names: readonly string[]): GraphNode {
    const [only] = names;
    if (names.length === 1 && only !== undefined) return this.#parameter(only);
    const shapes = names.map((name) => this.#shape(name));
    const rows = shapes.reduce((sum, shape) => sum + Number(shape[0]), 0);
    return this.#graph.add({ kind: 'joinedParameter', names, shape: [rows, ...(shapes[0]?.slice(1) ?? [])] });
  }

  #rows(x: DecodingValue): GraphNode {
    return x.layout === 'rows' ? x.node : this.#graph.transpose(this.#columns(x), [1, 0]);
  }
  #columns(x: DecodingValue): GraphNode {
    if (x.part) return this.#graph.slice(x.part.joined, 0, x.part.start, x.part.end);
    return x.layout === 'columns' ? x.node : this.#graph.transpose(x.node, [1, 0]);
  }

  embed(table: string): DecodingValue {
    const ids = this.#graph.input(decodingInputs.ids, ['B*S'], 'int32');
    return { node: this.#graph.embed(this.#parameter(table), ids), layout: 'rows' };
  }
  addPositions(x: DecodingValue, table: string): DecodingValue {
    const rows = this.#graph.input(decodingInputs.positionRows, ['B*S'], 'int32');
    return {
      node: this.#graph.addition(this.#rows(x), this.#graph.embed(this.#parameter(table), rows)),
      layout: 'rows',
    };
  }
  rmsNorm(x: DecodingValue, weight: string): DecodingValue {
    const inputs = [this.#rows(x), this.#parameter(weight)];
    const node = this.#graph.add({ kind: 'fusedRmsNorm', eps: this.#config.normEps }, inputs);
    return { node, layout: 'rows' };
  }
  layerNorm(x: DecodingValue, weight: string, bias: string): DecodingValue {
    const node = this.#graph.layerNorm(
      this.#rows(x),
      this.#parameter(weight),
      this.#parameter(bias),
      this.#config.normEps,
    );
    return { node, layout: 'rows' };
  }

  linear(
    x: DecodingValue,
    weight: string,
    { bias = null, residual, transposed = false }: LinearOptions<DecodingValue> = {},
  ): DecodingValue {
    const columns = this.#product(x, this.#parameter(weight), transposed, bias === null ? [] : [bias]);
    if (!residual) return { node: columns, layout: 'columns' };
    return {
      node: this.#graph.addition(this.#graph.transpose(columns, [1, 0]), this.#rows(residual)),
      layout: 'rows',
    };
  }

  /** W · x as columns. */
  #product(x: DecodingValue, weight: GraphNode, transposed: boolean, biases: readonly string[]): GraphNode {
    const options = {
      transposeA: transposed,
      c: biases.length > 0 ? this.#columnParameter(biases) : undefined,
    };
    return x.layout === 'rows'
      ? this.#graph.gemm(weight, x.node, { ...options, transposeB: true })
      : this.#graph.gemm(weight, this.#columns(x), options);
  }

  linears(x: DecodingValue, weights: readonly string[], biases: readonly string[] | null): DecodingValue[] {
    if (!this.#join)
      return weights.map((weight, index) => this.linear(x, weight, { bias: biases?.[index] ?? null }));
    const joined = this.#product(x, this.#joined(weights), false, biases ?? []);
    return this.split(
      { node: joined, layout: 'columns' },
      weights.map((name) => Number(this.#shape(name)[0])),
    );
  }
  split(x: DecodingValue, widths: readonly number[]): DecodingValue[] {
    const joined = this.#columns(x);
    let start = 0;
    return widths.map((width) => ({
      node: joined,
      layout: 'columns',
      part: { joined, start, end: (start += width) },
    }));
  }

  headNorm(x: DecodingValue, weight: string): DecodingValue {
    const rows = this.#rows(x);
    const { headSize } = this.#config;
    const heads = Number(rows.shape[1]) / headSize;
    const normed = this.rmsNorm(
      { node: this.#graph.reshape(rows, [`${heads}*B*S`, headSize]), layout: 'rows' },
      weight,
    );
    return { node: this.#graph.reshape(normed.node, rows.shape), layout: 'rows' };
  }

  attention(
    q: DecodingValue,
    k: DecodingValue,
    v: DecodingValue,
    layer: number,
    window: number | null,
  ): DecodingValue {
    const graph = this.#graph;
    const { headCount, keyValueHeadCount, headSize, rope } = this.#config;
    const names = cacheNames(layer);
    const padded = cachedHeadSize(this.#config);
    const cache: Shape = ['B', keyValueHeadCount, 'P', padded];
    // The fused operator rotates only heads of whole sixteens; smaller ones are rotated before it.
    const rotates = rope !== null && headSize % 16 === 0;
    const sequence = (x: DecodingValue, heads: number, rotate: boolean): GraphNode => {
      const perToken = graph.reshape(this.#rows(x), ['B', 'S', heads, headSize]);
      const rotated = rotate
        ? graph.transpose(this.#rotate(graph.transpose(perToken, [0, 2, 1, 3])), [0, 2, 1, 3])
        : perToken;
      return graph.reshape(this.#pad(rotated, padded - headSize), ['B', 'S', heads * padded]);
    };
    const ownRotation = rope !== null && !rotates;
    // Projections of one joined product go in as they are where nothing happens to them in between.
    const packed = ownRotation || padded !== headSize ? null : joinedColumns([q, k, v]);
    const projections = packed
      ? [graph.reshape(graph.transpose(packed, [1, 0]), ['B', 'S', Number(packed.shape[0])])]
      : [
          sequence(q, headCount, ownRotation),
          sequence(k, keyValueHeadCount, ownRotation),
          sequence(v, keyValueHeadCount, false),
        ];
    const mixed = graph.add(
      {
        kind: 'cachedAttention',
        packed: packed !== null,
        heads: headCount,
        keyValueHeads: keyValueHeadCount,
        scale: 1 / Math.sqrt(headSize),
        window,
        rope: rotates,
        presentKey: names.presentKey,
        presentValue: names.presentValue,
      },
      [
        ...projections,
        graph.input(names.key, cache),
        graph.input(names.value, cache),
        graph.input(decodingInputs.lastPositions, ['B'], 'int32'),
        graph.input(decodingInputs.longest, [1], 'int32'),
        ...(rotates ? this.#tables() : []),
      ],
    );
    if (padded === headSize)
      return { node: graph.reshape(mixed, ['B*S', headCount * headSize]), layout: 'rows' };
    const kept = graph.slice(graph.reshape(mixed, [`${headCount}*B*S`, padded]), 1, 0, headSize);
    return { node: graph.reshape(kept, ['B*S', headCount * headSize]), layout: 'rows' };
  }

  /** Adds columns of zeros to the last axis [B, S, heads, size]. */
  #pad(x: GraphNode, columns: number): GraphNode {
    if (columns === 0) return x;
    return this.#graph.concat([x, this.#graph.scale(this.#graph.slice(x, 3, 0, columns), 0)], 3);
  }

  #tables(): [GraphNode, GraphNode] {
    const shape: Shape = ['R', this.#config.headSize / 2];
    return [this.#graph.input(decodingInputs.cos, shape), this.#graph.input(decodingInputs.sin, shape)];
  }
  #rotate(x: GraphNode): GraphNode {
    const positions = this.#graph.input(decodingInputs.positions, ['B', 'S'], 'int64');
    return this.#graph.rope(x, positions, ...this.#tables());
  }

  gatedSilu(gate: DecodingValue, up: DecodingValue): DecodingValue {
    const graph = this.#graph;
    return {
      node: graph.multiply(graph.unary('silu', this.#columns(gate)), this.#columns(up)),
      layout: 'columns',
    };
  }
  gelu(x: DecodingValue, form: 'tanh' | 'exact'): DecodingValue {
    return { node: gelu(this.#graph, this.#columns(x), form), layout: 'columns' };
  }
}

/** The columns that these values are all of, in their order; null where they are not. */
function joinedColumns(values: readonly DecodingValue[]): GraphNode | null {
  const joined = values[0]?.part?.joined;
  let end = 0;
  for (const { part } of values) {
    if (!part || part.joined !== joined || part.start !== end) return null;
    end = part.end;
  }
  return joined && joined.shape[0] === end ? joined : null;
}
