/** For each operation: the ONNX nodes that compute it on the CPU provider. */
import type { Dimension, Shape } from './dimension.ts';
import type { GraphNode } from './graph.ts';
import type { Attribute } from './onnx-model.ts';
import type { OperationKind, OperationOf } from './operation.ts';

/** What an emission rule writes to. */
export interface Emitter {
  /** Adds a node with one output and returns the name of that output. */
  emit(
    type: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
    domain?: string,
  ): string;
  /** Adds a node with named outputs ('' for one that is not wanted). */
  emitNamed(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    domain: string,
  ): void;
  /** The same for a node that many others ask for: made at the first time only. */
  emitOnce(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>>): string;
  /** Name of a constant. */
  integers(values: readonly number[]): string;
  float(value: number): string;
  zeros(shape: readonly number[]): string;
  /** Name of a one-entry int64 tensor that holds this size at run time. */
  size(dimension: Dimension): string;
  /** Name of a fed value or a weight. */
  leaf(node: GraphNode): string;
  readonly contributed: 'com.microsoft';
}

type EmissionRule<K extends OperationKind> = (
  emitter: Emitter,
  operation: OperationOf<K>,
  names: readonly string[],
  node: GraphNode,
) => string;

const simple =
  (type: string) =>
  (emitter: Emitter, _operation: object, names: readonly string[]): string =>
    emitter.emit(type, names);

function name(names: readonly string[], index: number): string {
  const found = names[index];
  if (found === undefined) throw new Error(`internal: emission rule asks for input ${index}`);
  return found;
}

/** The int64 tensor that Reshape takes: -1 for one unknown size, 0 where a size stays, the rest computed. */
function targetShape(emitter: Emitter, from: Shape, to: Shape): string {
  const fixed: (number | null)[] = to.map((dimension, axis) => {
    if (typeof dimension === 'number') return dimension;
    return from[axis] === dimension ? 0 : null;
  });
  const open = fixed.indexOf(null);
  if (open >= 0) fixed[open] = -1;
  if (fixed.every((size) => size !== null)) return emitter.integers(fixed);
  const parts = fixed.map((size, axis) =>
    size === null ? emitter.size(to[axis] ?? 1) : emitter.integers([size]),
  );
  return emitter.emitOnce('Concat', parts, { axis: 0n });
}

const flag = (value: boolean): bigint => (value ? 1n : 0n);

export const emissionRules: { [K in OperationKind]: EmissionRule<K> } = {
  input: (emitter, _operation, _names, node) => emitter.leaf(node),
  parameter: (emitter, _operation, _names, node) => emitter.leaf(node),
  joinedParameter: (emitter, _operation, _names, node) => emitter.leaf(node),
  scalar: (emitter, { value }) => emitter.float(value),
  neg: simple('Neg'),
  exp: simple('Exp'),
  log: simple('Log'),
  sqrt: simple('Sqrt'),
  reciprocal: simple('Reciprocal'),
  tanh: simple('Tanh'),
  sigmoid: simple('Sigmoid'),
  erf: simple('Erf'),
  silu: (emitter, _operation, names) => emitter.emit('QuickGelu', names, { alpha: 1 }, emitter.contributed),
  gatedSilu: (emitter, _operation, names) =>
    emitter.emit('Mul', [emitter.emit('Mul', [name(names, 0), name(names, 1)]), name(names, 2)]),
  add: simple('Add'),
  sub: simple('Sub'),
  mul: simple('Mul'),
  div: simple('Div'),
  max: simple('Max'),
  min: simple('Min'),
  lessOrEqual: (emitter, _operation, names) =>
    emitter.emit('Cast', [emitter.emit('LessOrEqual', names)], { to: 1n }),
  // No copy: users of the result use the input.
  detach: (_emitter, _operation, names) => name(names, 0),
  gemm: (emitter, { transposeA, transposeB }, names) =>
    emitter.emit('Gemm', names, { transA: flag(transposeA), transB: flag(transposeB) }),
  matmul: (emitter, { transposeA, transposeB, alpha }, names) =>
    emitter.emit(
      'FusedMatMul',
      names,
      { transA: flag(transposeA), transB: flag(transposeB), alpha },
      emitter.contributed,
    ),
  transpose: (emitter, { permutation }, names) => emitter.emit('Transpose', names, { perm: permutation }),
  reshape: (emitter, { shape }, names, node) =>
    emitter.emit('Reshape', [name(names, 0), targetShape(emitter, node.inputs[0]?.shape ?? [], shape)]),
  slice: (emitter, { axis, start, end }, names) =>
    emitter.emit('Slice', [
      name(names, 0),
      emitter.integers([start]),
      emitter.integers([end]),
      emitter.integers([axis]),
    ]),
  concat: (emitter, { axis }, names) => emitter.emit('Concat', names, { axis: BigInt(axis) }),
  reduceSum: (emitter, { axes }, names) =>
    emitter.emit('ReduceSum', [name(names, 0), emitter.integers(axes)], { keepdims: 1n }),
  reduceMax: (emitter, _operation, names) => emitter.emit('ReduceMax', names, { axes: [-1], keepdims: 1n }),
  softmax: (emitter, _operation, names) => emitter.emit('Softmax', names, { axis: -1n }),
  embed: (emitter, _operation, names) => emitter.emit('Gather', names, { axis: 0n }),
  pickRows: (emitter, _operation, names) =>
    emitter.emit('Gather', [name(names, 0), name(names, 1)], { axis: 0n }),
  placeRows(emitter, _operation, names, node) {
    const width = node.shape[1];
    if (typeof width !== 'number') throw new Error('internal: rows of unknown width');
    const padded = emitter.emit('Concat', [name(names, 0), emitter.zeros([1, width])], { axis: 0n });
    return emitter.emit('Gather', [padded, name(names, 2)], { axis: 0n });
  },
  rope: (emitter, _operation, names) => emitter.emit('RotaryEmbedding', names, {}, emitter.contributed),
  attend: (emitter, _operation, names) => emitter.emit('MatMul', [name(names, 1), name(names, 2)]),
  rmsNorm: (emitter, _operation, names) =>
    emitter.emit('Mul', [emitter.emit('Mul', [name(names, 0), name(names, 1)]), name(names, 2)]),
  layerNorm(emitter, _operation, names) {
    const centred = emitter.emit('Sub', [name(names, 0), name(names, 1)]);
    const scaled = emitter.emit('Mul', [emitter.emit('Mul', [centred, name(names, 2)]), name(names, 3)]);
    return emitter.emit('Add', [scaled, name(names, 4)]);
  },
  logProbability(emitter, _operation, names) {
    const products = emitter.emit('Mul', [name(names, 0), name(names, 1)]);
    const logit = emitter.emit('ReduceSum', [products, emitter.integers([1])], { keepdims: 1n });
    return emitter.emit('Sub', [logit, name(names, 3)]);
  },
  entropy(emitter, _operation, names) {
    const products = emitter.emit('Mul', [name(names, 0), name(names, 1)]);
    const logit = emitter.emit('ReduceSum', [products, emitter.integers([1])], { keepdims: 1n });
    return emitter.emit('Sub', [name(names, 2), logit]);
  },
  fusedRmsNorm: (emitter, { eps }, names) =>
    emitter.emit('SimplifiedLayerNormalization', names, { axis: -1n, epsilon: eps, stash_type: 1n }),
  cachedAttention(emitter, operation, names, node) {
    const output = `n${node.id}`;
    const { packed, heads, keyValueHeads, scale, window, rope, presentKey, presentValue } = operation;
    emitter.emitNamed(
      'GroupQueryAttention',
      packed ? [name(names, 0), '', '', ...names.slice(1)] : names,
      [output, presentKey, presentValue],
      {
        num_heads: BigInt(heads),
        kv_num_heads: BigInt(keyValueHeads),
        scale,
        do_rotary: flag(rope),
        local_window_size: BigInt(window ?? -1),
      },
      emitter.contributed,
    );
    return output;
  },
};
