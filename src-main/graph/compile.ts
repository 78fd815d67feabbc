/** From a graph and the nodes that are wanted to an ONNX model: the last stage of the compiler. */
import type { Dimension } from './dimension.ts';
import { factors } from './dimension.ts';
import { emissionRules } from './emission.ts';
import type { Emitter } from './emission.ts';
import type { Graph, GraphNode } from './graph.ts';
import type { Initializer, OnnxNode, Value } from './onnx-model.ts';
import { encodeOnnxModel } from './onnx-model.ts';
import type { Operation } from './operation.ts';
import { symbolSources } from './symbols.ts';
import { validateGraph } from './validate.ts';

export interface Output {
  readonly name: string;
  readonly node: GraphNode;
}

/** A weight that is stored in a file and read in place instead of being fed. */
export interface StoredParameter {
  readonly type: 'float32' | 'float16' | 'bfloat16';
  readonly shape: readonly number[];
  /** File name beside the model, and where its bytes lie. */
  readonly location: string;
  readonly offset: number;
  readonly byteLength: number;
}

export interface CompileOptions {
  /** Adds the empty-sequence output that makes the binding stop before it copies results (runtime/stop-output.ts). */
  readonly stopOutput?: boolean;
  /** Where a weight is stored, for graphs that read them in place; null where it is fed. */
  readonly stored?: (name: string) => StoredParameter | null;
}

export interface CompiledGraph {
  readonly bytes: Uint8Array;
  readonly inputs: readonly Value[];
  /** Weights to be fed, with the rows of each. */
  readonly parameters: readonly (Value & {
    readonly parameters: readonly string[];
    readonly rows: readonly [number, number] | null;
  })[];
  readonly outputs: readonly Value[];
  readonly nodeCount: number;
}

export const stopOutputName = 'stop';

/** The nodes that the outputs need, in order of creation, which is an order of execution. */
export function reachable(outputs: readonly GraphNode[]): GraphNode[] {
  const found = new Set<GraphNode>();
  const open = [...outputs];
  for (let node = open.pop(); node; node = open.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    open.push(...node.inputs);
  }
  return [...found].sort((a, b) => a.id - b.id);
}

/** The name under which a weight (or rows of it) is fed. */
export function parameterName(
  operation: Extract<Operation, { kind: 'parameter' | 'joinedParameter' }>,
): string {
  if (operation.kind === 'joinedParameter') return operation.names.join('|');
  return operation.rows ? `${operation.name}[${operation.rows[0]}:${operation.rows[1]}]` : operation.name;
}

/** Compiles the graph to the bytes of an ONNX model. Throws (a bug) when the validator finds something wrong. */
export function compile(
  graph: Graph,
  outputs: readonly Output[],
  options: CompileOptions = {},
): CompiledGraph {
  const nodes = reachable(outputs.map(({ node }) => node));
  validateGraph(graph, nodes);
  const writer = new ModelWriter(nodes, options.stored ?? (() => null));
  const names = new Map<GraphNode, string>();
  for (const node of nodes) {
    const rule = emissionRules[node.operation.kind] as (
      emitter: Emitter,
      operation: Operation,
      names: readonly string[],
      node: GraphNode,
    ) => string;
    names.set(
      node,
      rule(
        writer,
        node.operation,
        node.inputs.map((input) => names.get(input) ?? ''),
        node,
      ),
    );
  }
  const results: Value[] = outputs.map(({ name, node }) => {
    writer.emitNamed('Identity', [names.get(node) ?? ''], [name], {}, '');
    return { name, type: node.type, shape: node.shape };
  });
  for (const node of nodes) {
    if (node.operation.kind !== 'cachedAttention') continue;
    const { packed, presentKey, presentValue } = node.operation;
    const cache = node.inputs[packed ? 1 : 3]?.shape ?? [];
    results.push(
      { name: presentKey, type: 'float32', shape: cache },
      { name: presentValue, type: 'float32', shape: cache },
    );
  }
  writer.renameOutputs();
  if (options.stopOutput) writer.emitNamed('SequenceEmpty', [], [stopOutputName], { dtype: 1n }, '');
  const bytes = encodeOnnxModel({
    nodes: writer.nodes,
    initializers: writer.initializers,
    inputs: [...writer.inputs, ...writer.parameters],
    outputs: results,
    sequenceOutput: options.stopOutput ? stopOutputName : null,
  });
  return {
    bytes,
    inputs: writer.inputs,
    parameters: writer.parameters,
    outputs: results,
    nodeCount: writer.nodes.length,
  };
}

class ModelWriter implements Emitter {
  readonly contributed = 'com.microsoft';
  nodes: OnnxNode[] = [];
  readonly initializers: Initializer[] = [];
  readonly inputs: Value[] = [];
  readonly parameters: (Value & { parameters: readonly string[]; rows: readonly [number, number] | null })[] =
    [];
  readonly #constants = new Map<string, string>();
  readonly #sizes = new Map<string, string>();
  readonly #emitted = new Map<string, string>();
  readonly #graphNodes: readonly GraphNode[];
  readonly #stored: (name: string) => StoredParameter | null;

  constructor(graphNodes: readonly GraphNode[], stored: (name: string) => StoredParameter | null) {
    this.#graphNodes = graphNodes;
    this.#stored = stored;
  }

  emit(
    type: string,
    inputs: readonly string[],
    attributes: OnnxNode['attributes'] = {},
    domain = '',
  ): string {
    const output = `v${this.nodes.length}`;
    this.emitNamed(type, inputs, [output], attributes, domain);
    return output;
  }

  emitOnce(type: string, inputs: readonly string[], attributes: OnnxNode['attributes']): string {
    const key = `${type}(${inputs.join(',')})`;
    const known = this.#emitted.get(key);
    if (known !== undefined) return known;
    const output = this.emit(type, inputs, attributes);
    this.#emitted.set(key, output);
    return output;
  }

  emitNamed(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: OnnxNode['attributes'],
    domain: string,
  ): void {
    this.nodes.push({ type, domain, name: `${type}_${this.nodes.length}`, inputs, outputs, attributes });
  }

  /** Lets the producer of each result write it under its public name, so that no Identity copies it. */
  renameOutputs(): void {
    const counts = new Map<string, number>();
    const leaves = new Set(
      [...this.inputs, ...this.parameters, ...this.initializers].map(({ name }) => name),
    );
    for (const { type, inputs } of this.nodes)
      if (type === 'Identity') for (const input of inputs) counts.set(input, (counts.get(input) ?? 0) + 1);
    const renamed = new Map<string, string>();
    for (const { type, inputs, outputs } of this.nodes) {
      const [from] = inputs;
      const [to] = outputs;
      if (
        type === 'Identity' &&
        from !== undefined &&
        to !== undefined &&
        counts.get(from) === 1 &&
        !leaves.has(from)
      )
        renamed.set(from, to);
    }
    const rename = (name: string): string => renamed.get(name) ?? name;
    this.nodes = this.nodes
      .filter(({ type, inputs }) => !(type === 'Identity' && renamed.has(inputs[0] ?? '')))
      .map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
  }

  #constant(key: string, make: (name: string) => Initializer): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const initializer = make(`c${this.#constants.size}`);
    this.initializers.push(initializer);
    this.#constants.set(key, initializer.name);
    return initializer.name;
  }

  integers(values: readonly number[]): string {
    const data = new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer);
    return this.#constant(`i${values.join(',')}`, (name) => ({
      name,
      type: 'int64',
      shape: [values.length],
      data,
    }));
  }

  float(value: number): string {
    return this.#constant(`f${value}`, (name) => ({
      name,
      type: 'float32',
      shape: [],
      data: new Uint8Array(new Float32Array([value]).buffer),
    }));
  }

  zeros(shape: readonly number[]): string {
    const data = new Uint8Array(4 * shape.reduce((product, size) => product * size, 1));
    return this.#constant(`z${shape.join(',')}`, (name) => ({ name, type: 'float32', shape, data }));
  }

  size(dimension: Dimension): string {
    const known = this.#sizes.get(String(dimension));
    if (known !== undefined) return known;
    const { factor, symbols } = factors(dimension);
    let name = factor === 1 && symbols.length > 0 ? undefined : this.integers([factor]);
    for (const symbol of symbols) {
      const part = this.#symbol(symbol);
      name = name === undefined ? part : this.emit('Mul', [name, part]);
    }
    const result = name ?? this.integers([1]);
    this.#sizes.set(String(dimension), result);
    return result;
  }

  /** The size of a fed value along the axis that carries this symbol, alone or in a product with sizes known elsewhere. */
  #symbol(symbol: string): string {
    const known = this.#emitted.get(symbol);
    if (known !== undefined) return known;
    const source = symbolSources(this.#graphNodes).get(symbol);
    if (!source) throw new Error(`internal: no input has an axis of size ${symbol}`);
    let name = this.emit('Shape', [this.leaf(source.node)], {
      start: BigInt(source.axis),
      end: BigInt(source.axis + 1),
    });
    for (const other of source.others) name = this.emit('Div', [name, this.#symbol(other)]);
    this.#emitted.set(symbol, name);
    return name;
  }

  leaf(node: GraphNode): string {
    const { operation, shape, type } = node;
    if (operation.kind === 'input') {
      if (!this.inputs.some(({ name }) => name === operation.name))
        this.inputs.push({ name: operation.name, type, shape });
      return operation.name;
    }
    if (operation.kind !== 'parameter' && operation.kind !== 'joinedParameter')
      throw new Error(`internal: ${operation.kind} is no leaf`);
    const name = parameterName(operation);
    const stored = operation.kind === 'parameter' ? this.#storedLeaf(operation.name, operation.rows) : null;
    if (stored !== null) return stored;
    this.parameters.push({
      name,
      type,
      shape,
      parameters: operation.kind === 'parameter' ? [operation.name] : operation.names,
      rows: operation.kind === 'parameter' ? operation.rows : null,
    });
    return name;
  }

  /** A weight as an initializer over bytes of a file, widened to float32 where it is stored in fewer bits. */
  #storedLeaf(name: string, rows: readonly [number, number] | null): string | null {
    const stored = this.#stored(name);
    if (!stored) return null;
    const [height = 1, ...rest] = stored.shape;
    const [start, end] = rows ?? [0, height];
    const rowBytes = stored.byteLength / height;
    const initializer: Initializer = {
      name: rows ? `${name}[${start}:${end}]` : name,
      type: stored.type,
      shape: [end - start, ...rest],
      data: {
        location: stored.location,
        offset: stored.offset + start * rowBytes,
        byteLength: (end - start) * rowBytes,
      },
    };
    this.initializers.push(initializer);
    return stored.type === 'float32' ? initializer.name : this.emit('Cast', [initializer.name], { to: 1n });
  }
}
