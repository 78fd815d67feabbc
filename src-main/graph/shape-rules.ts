/** For each operation: the shape and element type of its result, or a complaint about its inputs. */
import type { Dimension, Shape } from './dimension.ts';
import { elementCount, formatShape, sameShape } from './dimension.ts';
import type { GraphNode } from './graph.ts';
import type { ElementType, Operation, OperationKind, OperationOf } from './operation.ts';

type Fail = (problem: string) => never;
type ShapeRule<K extends OperationKind> = (
  operation: OperationOf<K>,
  inputs: readonly GraphNode[],
  fail: Fail,
) => Shape;

/** The shape that two shapes broadcast to, or null. */
export function broadcast(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const result: Dimension[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return null;
    result.push(left === 1 ? right : left);
  }
  return result;
}

function input(inputs: readonly GraphNode[], index: number, fail: Fail): GraphNode {
  return inputs[index] ?? fail(`input ${index} is missing`);
}

const unary = (_operation: Operation, inputs: readonly GraphNode[], fail: Fail): Shape =>
  input(inputs, 0, fail).shape;

const binary = (_operation: Operation, inputs: readonly GraphNode[], fail: Fail): Shape =>
  broadcast(input(inputs, 0, fail).shape, input(inputs, 1, fail).shape) ?? fail('shapes do not broadcast');

function rank(node: GraphNode, wanted: number, fail: Fail): Shape {
  return node.shape.length === wanted
    ? node.shape
    : fail(`${wanted} axes wanted, got ${formatShape(node.shape)}`);
}

function product(
  a: Shape,
  b: Shape,
  transposeA: boolean,
  transposeB: boolean,
  fail: Fail,
): [Dimension, Dimension] {
  const [m, ka] = transposeA ? [a.at(-1), a.at(-2)] : [a.at(-2), a.at(-1)];
  const [kb, n] = transposeB ? [b.at(-1), b.at(-2)] : [b.at(-2), b.at(-1)];
  if (m === undefined || n === undefined || ka !== kb) return fail(`inner sizes ${ka} and ${kb} differ`);
  return [m, n];
}

export const shapeRules: { [K in OperationKind]: ShapeRule<K> } = {
  input: ({ shape }) => shape,
  parameter: ({ shape }) => shape,
  joinedParameter: ({ shape }) => shape,
  // Anything else would share its key with null in the table of known nodes.
  scalar: ({ value }, _inputs, fail) => (Number.isFinite(value) ? [] : fail(`${value} is no finite number`)),
  neg: unary,
  exp: unary,
  log: unary,
  sqrt: unary,
  reciprocal: unary,
  tanh: unary,
  sigmoid: unary,
  erf: unary,
  silu: unary,
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  max: binary,
  min: binary,
  lessOrEqual: binary,
  detach: unary,
  gemm({ transposeA, transposeB }, inputs, fail) {
    const a = rank(input(inputs, 0, fail), 2, fail);
    const b = rank(input(inputs, 1, fail), 2, fail);
    const shape = product(a, b, transposeA, transposeB, fail);
    const c = inputs[2];
    const joined = c && broadcast(c.shape, shape);
    if (c && !(joined && sameShape(joined, shape))) fail(`c does not broadcast to ${formatShape(shape)}`);
    return shape;
  },
  matmul({ transposeA, transposeB }, inputs, fail) {
    const a = input(inputs, 0, fail).shape;
    const b = input(inputs, 1, fail).shape;
    if (a.length < 3 || a.length !== b.length)
      fail('at least three axes, equally many on both sides, wanted');
    const leading = a.slice(0, -2);
    if (!sameShape(leading, b.slice(0, -2))) fail('leading axes differ');
    return [...leading, ...product(a, b, transposeA, transposeB, fail)];
  },
  transpose({ permutation }, inputs, fail) {
    const { shape } = input(inputs, 0, fail);
    if (
      [...permutation].sort((a, b) => a - b).some((axis, index) => axis !== index) ||
      permutation.length !== shape.length
    ) {
      fail(`[${permutation.join(', ')}] is no permutation of its axes`);
    }
    return permutation.map((axis) => shape[axis] ?? 1);
  },
  reshape({ shape }, inputs, fail) {
    const from = input(inputs, 0, fail).shape;
    if (elementCount(from) !== elementCount(shape))
      fail(`${formatShape(shape)} has another number of elements`);
    return shape;
  },
  slice({ axis, start, end }, inputs, fail) {
    const { shape } = input(inputs, 0, fail);
    const size = shape[axis];
    if (typeof size !== 'number' || start < 0 || end <= start || end > size)
      fail(`rows ${start} to ${end} of axis ${axis}`);
    return shape.map((dimension, index) => (index === axis ? end - start : dimension));
  },
  concat({ axis }, inputs, fail) {
    const first = input(inputs, 0, fail).shape;
    let total = 0;
    for (const { shape } of inputs) {
      const size = shape[axis];
      if (typeof size !== 'number') return fail(`axis ${axis} must have a known size`);
      if (!sameShape(shape.toSpliced(axis, 1), first.toSpliced(axis, 1))) fail('other axes differ');
      total += size;
    }
    return first.map((dimension, index) => (index === axis ? total : dimension));
  },
  reduceSum({ axes }, inputs, fail) {
    const { shape } = input(inputs, 0, fail);
    if (axes.some((axis) => axis < 0 || axis >= shape.length))
      fail(`axes ${axes.join(', ')} are out of range`);
    return shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension));
  },
  reduceMax: (_operation, inputs, fail) => [...input(inputs, 0, fail).shape.slice(0, -1), 1],
  softmax: unary,
  embed(_operation, inputs, fail) {
    const [, width] = rank(input(inputs, 0, fail), 2, fail);
    const [count] = rank(input(inputs, 1, fail), 1, fail);
    return [count ?? 1, width ?? 1];
  },
  pickRows(_operation, inputs, fail) {
    const [height, width] = rank(input(inputs, 0, fail), 2, fail);
    const [count] = rank(input(inputs, 1, fail), 1, fail);
    const [inverse] = rank(input(inputs, 2, fail), 1, fail);
    if (inverse !== height) fail('inverse must have one entry for each row');
    return [count ?? 1, width ?? 1];
  },
  placeRows(_operation, inputs, fail) {
    const [, width] = rank(input(inputs, 0, fail), 2, fail);
    return [rank(input(inputs, 2, fail), 1, fail)[0] ?? 1, width ?? 1];
  },
  gatedSilu(_operation, inputs, fail) {
    const { shape } = input(inputs, 0, fail);
    if (inputs.some((node) => !sameShape(node.shape, shape))) fail('three equal shapes wanted');
    return shape;
  },
  rope(_operation, inputs, fail) {
    const shape = rank(input(inputs, 0, fail), 4, fail);
    const [batch, time] = rank(input(inputs, 1, fail), 2, fail);
    if (shape[0] !== batch || shape[2] !== time) fail('positions must be [batch, time]');
    const half = rank(input(inputs, 2, fail), 2, fail)[1];
    const size = shape[3];
    if (typeof half !== 'number' || size !== 2 * half)
      fail('the tables must have half as many columns as a head');
    return shape;
  },
  attend(_operation, inputs, fail) {
    const scores = input(inputs, 0, fail);
    const weights = input(inputs, 1, fail);
    const values = input(inputs, 2, fail);
    if (weights.operation.kind !== 'softmax' || weights.inputs[0] !== scores)
      fail('weights must be the softmax of the scores');
    if (!sameShape(weights.shape.slice(0, -2), values.shape.slice(0, -2))) fail('leading axes differ');
    return [...weights.shape.slice(0, -2), ...product(weights.shape, values.shape, false, false, fail)];
  },
  rmsNorm(_operation, inputs, fail) {
    const [rows, width] = rank(input(inputs, 0, fail), 2, fail);
    if (!sameShape(input(inputs, 1, fail).shape, [rows ?? 1, 1])) fail('one factor for each row wanted');
    if (!sameShape(input(inputs, 2, fail).shape, [width ?? 1])) fail('one weight for each column wanted');
    return input(inputs, 0, fail).shape;
  },
  layerNorm(_operation, inputs, fail) {
    const [rows, width] = rank(input(inputs, 0, fail), 2, fail);
    for (const index of [1, 2])
      if (!sameShape(input(inputs, index, fail).shape, [rows ?? 1, 1]))
        fail('one statistic for each row wanted');
    for (const index of [3, 4])
      if (!sameShape(input(inputs, index, fail).shape, [width ?? 1]))
        fail('one weight for each column wanted');
    return input(inputs, 0, fail).shape;
  },
  logProbability({ slices }, inputs, fail) {
    const [rows, width] = rank(input(inputs, 0, fail), 2, fail);
    if (inputs.length !== 4 + 3 * slices) fail(`${4 + 3 * slices} inputs wanted`);
    if (!sameShape(input(inputs, 1, fail).shape, [rows ?? 1, width ?? 1]))
      fail('target rows must look like h');
    return [rows ?? 1, 1];
  },
  entropy({ slices }, inputs, fail) {
    const [rows, width] = rank(input(inputs, 0, fail), 2, fail);
    if (inputs.length !== 3 + 4 * slices) fail(`${3 + 4 * slices} inputs wanted`);
    if (!sameShape(input(inputs, 1, fail).shape, [rows ?? 1, width ?? 1])) fail('mean rows must look like h');
    return [rows ?? 1, 1];
  },
  fusedRmsNorm(_operation, inputs, fail) {
    const shape = rank(input(inputs, 0, fail), 2, fail);
    if (!sameShape(input(inputs, 1, fail).shape, shape.slice(1))) fail('one weight for each column wanted');
    return shape;
  },
  cachedAttention({ packed, heads, keyValueHeads }, inputs, fail) {
    const first = packed ? 1 : 3;
    if (inputs.length < first + 4) fail('q, k, v, two caches, lengths and longest length wanted');
    const query = rank(input(inputs, 0, fail), 3, fail);
    const size = rank(input(inputs, first, fail), 4, fail)[3];
    if (typeof size !== 'number') return fail('the head size must be known');
    const width = size * (packed ? heads + 2 * keyValueHeads : heads);
    if (query[2] !== width) fail(`vectors of width ${width} wanted`);
    return [query[0] ?? 1, query[1] ?? 1, heads * size];
  },
};

/** The element type of a result. */
export function inferType(operation: Operation, inputs: readonly GraphNode[], fail: Fail): ElementType {
  if (operation.kind === 'input') return operation.type;
  const integerInputs: Partial<Record<OperationKind, Readonly<Record<number, ElementType>>>> = {
    embed: { 1: 'int32' },
    pickRows: { 1: 'int32', 2: 'int32' },
    placeRows: { 1: 'int32', 2: 'int32' },
    rope: { 1: 'int64' },
    logProbability: { 2: 'int32' },
    cachedAttention:
      operation.kind === 'cachedAttention' && operation.packed
        ? { 3: 'int32', 4: 'int32' }
        : { 5: 'int32', 6: 'int32' },
  };
  inputs.forEach((node, index) => {
    const wanted = integerInputs[operation.kind]?.[index] ?? 'float32';
    if (node.type !== wanted) fail(`input ${index} must be ${wanted}`);
  });
  return 'float32';
}
