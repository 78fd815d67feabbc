/**
 * A second meaning of graphs: every operation in double precision, written for plainness. What ONNX Runtime computes
 * is compared with it, and its gradients are compared with central differences.
 */
import type { Shape } from '../../src-main/graph/dimension.ts';
import { evaluate as sizeOf, factors } from '../../src-main/graph/dimension.ts';
import type { GraphNode } from '../../src-main/graph/graph.ts';
import { reachable } from '../../src-main/graph/compile.ts';
import type { Operation, OperationKind, OperationOf } from '../../src-main/graph/operation.ts';
import { symbolSources } from '../../src-main/graph/symbols.ts';

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Values of inputs and of whole parameters, by name. */
export type Feeds = Readonly<Record<string, Tensor>>;

export function tensor(shape: readonly number[], data: Iterable<number>): Tensor {
  const values = Float64Array.from(data);
  const count = shape.reduce((product, size) => product * size, 1);
  if (values.length !== count) throw new Error(`[${shape.join(', ')}] from ${values.length} numbers`);
  return { shape, data: values };
}

interface Call<K extends OperationKind> {
  readonly operation: OperationOf<K>;
  readonly inputs: readonly Tensor[];
  readonly feeds: Feeds;
  /** The shape of the result at run time. */
  readonly shape: readonly number[];
}
type Values = Pick<Call<OperationKind>, 'inputs' | 'shape'>;
type Rule<K extends OperationKind> = (call: Call<K>) => Tensor;

const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function strides(shape: readonly number[]): number[] {
  const result = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) result[axis] = result[axis + 1]! * shape[axis + 1]!;
  return result;
}

/** Calls `visit` with every index of a shape. */
function eachIndex(shape: readonly number[], visit: (index: readonly number[], flat: number) => void): void {
  const total = count(shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let flat = 0; flat < total; flat++) {
    visit(index, flat);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** Where the element of `from` lies that is broadcast to an index of a shape with at least as many axes. */
function broadcastAt(from: Tensor): (index: readonly number[]) => number {
  const steps = strides(from.shape);
  return (index) => {
    const extra = index.length - from.shape.length;
    return steps.reduce(
      (at, step, axis) => at + (from.shape[axis] === 1 ? 0 : step * index[axis + extra]!),
      0,
    );
  };
}

const unary =
  (f: (x: number) => number) =>
  ({ inputs, shape }: Values): Tensor => ({ shape, data: inputs[0]!.data.map(f) });

const binary =
  (f: (a: number, b: number) => number) =>
  ({ inputs, shape }: Values): Tensor => {
    const [a, b] = [inputs[0]!, inputs[1]!];
    const data = new Float64Array(count(shape));
    const [atA, atB] = [broadcastAt(a), broadcastAt(b)];
    eachIndex(shape, (index, flat) => (data[flat] = f(a.data[atA(index)]!, b.data[atB(index)]!)));
    return { shape, data };
  };

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Error function by its series near 0 and its continued fraction elsewhere; 14 digits. */
export function errorFunction(x: number): number {
  const size = Math.abs(x);
  if (size < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 60; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = size;
  for (let n = 80; n >= 1; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / (Math.sqrt(Math.PI) * fraction));
}

function product(
  a: Tensor,
  b: Tensor,
  transposeA: boolean,
  transposeB: boolean,
  shape: readonly number[],
): Tensor {
  const [m, n] = [shape.at(-2)!, shape.at(-1)!];
  const k = transposeA ? a.shape.at(-2)! : a.shape.at(-1)!;
  const batches = count(shape.slice(0, -2));
  const data = new Float64Array(count(shape));
  for (let batch = 0; batch < batches; batch++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let inner = 0; inner < k; inner++) {
          const left = a.data[batch * m * k + (transposeA ? inner * m + i : i * k + inner)]!;
          const right = b.data[batch * k * n + (transposeB ? j * k + inner : inner * n + j)]!;
          sum += left * right;
        }
        data[(batch * m + i) * n + j] = sum;
      }
    }
  }
  return { shape, data };
}

function rowsOf(table: Tensor, rows: Tensor, shape: readonly number[]): Tensor {
  const width = shape[1]!;
  const data = new Float64Array(count(shape));
  rows.data.forEach((row, index) =>
    data.set(table.data.subarray(row * width, (row + 1) * width), index * width),
  );
  return { shape, data };
}

const addition = binary((a, b) => a + b);

const rules: { [K in OperationKind]: Rule<K> } = {
  input: ({ operation, feeds }) => feeds[operation.name]!,
  parameter({ operation: { name, rows }, feeds, shape }) {
    const whole = feeds[name]!;
    if (!rows) return whole;
    const width = whole.data.length / whole.shape[0]!;
    return { shape, data: whole.data.slice(rows[0] * width, rows[1] * width) };
  },
  joinedParameter: ({ operation: { names }, feeds, shape }) =>
    tensor(
      shape,
      names.flatMap((name) => [...feeds[name]!.data]),
    ),
  scalar: ({ operation: { value } }) => tensor([], [value]),
  neg: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  reciprocal: unary((x) => 1 / x),
  tanh: unary(Math.tanh),
  sigmoid: unary(sigmoid),
  erf: unary(errorFunction),
  silu: unary((x) => x * sigmoid(x)),
  gatedSilu: ({ inputs, shape }) => ({
    shape,
    data: inputs[0]!.data.map((gate, index) => gate * inputs[1]!.data[index]! * inputs[2]!.data[index]!),
  }),
  add: addition,
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  div: binary((a, b) => a / b),
  max: binary(Math.max),
  min: binary(Math.min),
  lessOrEqual: binary((a, b) => (a <= b ? 1 : 0)),
  detach: ({ inputs }) => inputs[0]!,
  gemm({ operation: { transposeA, transposeB }, inputs, shape }) {
    const plain = product(inputs[0]!, inputs[1]!, transposeA, transposeB, shape);
    const c = inputs[2];
    return c ? addition({ inputs: [plain, c], shape }) : plain;
  },
  matmul({ operation: { transposeA, transposeB, alpha }, inputs, shape }) {
    const plain = product(inputs[0]!, inputs[1]!, transposeA, transposeB, shape);
    return { shape, data: plain.data.map((x) => x * alpha) };
  },
  transpose({ operation: { permutation }, inputs, shape }) {
    const x = inputs[0]!;
    const steps = strides(x.shape);
    const data = new Float64Array(count(shape));
    eachIndex(shape, (index, flat) => {
      data[flat] = x.data[permutation.reduce((at, axis, place) => at + steps[axis]! * index[place]!, 0)]!;
    });
    return { shape, data };
  },
  reshape: ({ inputs, shape }) => ({ shape, data: inputs[0]!.data }),
  slice({ operation: { axis, start }, inputs, shape }) {
    const x = inputs[0]!;
    const steps = strides(x.shape);
    const data = new Float64Array(count(shape));
    eachIndex(shape, (index, flat) => {
      data[flat] =
        x.data[index.reduce((at, place, a) => at + steps[a]! * (a === axis ? place + start : place), 0)]!;
    });
    return { shape, data };
  },
  concat({ operation: { axis }, inputs, shape }) {
    const data = new Float64Array(count(shape));
    eachIndex(shape, (index, flat) => {
      let place = index[axis]!;
      const part = inputs.find(({ shape: size }) => {
        if (place < size[axis]!) return true;
        place -= size[axis]!;
        return false;
      })!;
      const steps = strides(part.shape);
      data[flat] = part.data[index.reduce((at, i, a) => at + steps[a]! * (a === axis ? place : i), 0)]!;
    });
    return { shape, data };
  },
  reduceSum({ inputs, shape }) {
    const x = inputs[0]!;
    const data = new Float64Array(count(shape));
    const at = broadcastAt({ shape, data });
    eachIndex(x.shape, (index, flat) => {
      data[at(index)]! += x.data[flat]!;
    });
    return { shape, data };
  },
  reduceMax({ inputs, shape }) {
    const x = inputs[0]!;
    const data = new Float64Array(count(shape)).fill(-Infinity);
    const at = broadcastAt({ shape, data });
    eachIndex(x.shape, (index, flat) => (data[at(index)] = Math.max(data[at(index)]!, x.data[flat]!)));
    return { shape, data };
  },
  softmax({ inputs, shape }) {
    const width = shape.at(-1)!;
    const data = inputs[0]!.data.slice();
    for (let start = 0; start < data.length; start += width) {
      const row = data.subarray(start, start + width);
      const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const sum = row.reduce((total, x) => total + Math.exp(x - largest), 0);
      row.forEach((x, index) => (row[index] = Math.exp(x - largest) / sum));
    }
    return { shape, data };
  },
  embed: ({ inputs, shape }) => rowsOf(inputs[0]!, inputs[1]!, shape),
  pickRows: ({ inputs, shape }) => rowsOf(inputs[0]!, inputs[1]!, shape),
  placeRows({ inputs, shape }) {
    const [y, rows] = [inputs[0]!, inputs[1]!];
    const width = shape[1]!;
    const data = new Float64Array(count(shape));
    rows.data.forEach((row, index) =>
      data.set(y.data.subarray(index * width, (index + 1) * width), row * width),
    );
    return { shape, data };
  },
  rope({ inputs, shape }) {
    const [x, positions, cos, sin] = [inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!];
    const [heads, time, size] = [shape[1]!, shape[2]!, shape[3]!];
    const half = size / 2;
    const data = new Float64Array(count(shape));
    eachIndex([shape[0]!, heads, time, half], ([batch, head, t, i]) => {
      const at = ((batch! * heads + head!) * time + t!) * size + i!;
      const angle = positions.data[batch! * time + t!]! * half + i!;
      const [a, b] = [x.data[at]!, x.data[at + half]!];
      data[at] = a * cos.data[angle]! - b * sin.data[angle]!;
      data[at + half] = b * cos.data[angle]! + a * sin.data[angle]!;
    });
    return { shape, data };
  },
  attend: ({ inputs, shape }) => product(inputs[1]!, inputs[2]!, false, false, shape),
  rmsNorm({ inputs, shape }) {
    const [x, r, w] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const width = shape[1]!;
    return {
      shape,
      data: x.data.map((value, at) => value * r.data[Math.floor(at / width)]! * w.data[at % width]!),
    };
  },
  layerNorm({ inputs, shape }) {
    const [x, mean, inverse, w, b] = [inputs[0]!, inputs[1]!, inputs[2]!, inputs[3]!, inputs[4]!];
    const width = shape[1]!;
    return {
      shape,
      data: x.data.map((value, at) => {
        const row = Math.floor(at / width);
        return (value - mean.data[row]!) * inverse.data[row]! * w.data[at % width]! + b.data[at % width]!;
      }),
    };
  },
  logProbability({ inputs, shape }) {
    const [h, target, logSum] = [inputs[0]!, inputs[1]!, inputs[3]!];
    const width = h.shape[1]!;
    const data = logSum.data.map((sum, row) => {
      let logit = 0;
      for (let at = row * width; at < (row + 1) * width; at++) logit += h.data[at]! * target.data[at]!;
      return logit - sum;
    });
    return { shape, data };
  },
  entropy({ inputs, shape }) {
    const [h, mean, logSum] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const width = h.shape[1]!;
    const data = logSum.data.map((sum, row) => {
      let logit = 0;
      for (let at = row * width; at < (row + 1) * width; at++) logit += h.data[at]! * mean.data[at]!;
      return sum - logit;
    });
    return { shape, data };
  },
  fusedRmsNorm({ operation, inputs, shape }) {
    const [x, w] = [inputs[0]!, inputs[1]!];
    const width = shape[1]!;
    const data = new Float64Array(x.data.length);
    for (let start = 0; start < data.length; start += width) {
      const row = x.data.slice(start, start + width);
      const mean = row.reduce((sum, value) => sum + value * value, 0) / width;
      row.forEach(
        (value, at) => (data[start + at] = (value / Math.sqrt(mean + operation.eps)) * w.data[at]!),
      );
    }
    return { shape, data };
  },
  cachedAttention() {
    throw new Error('the cached attention is compared with the training layers instead');
  },
};

/** The sizes behind the symbols of a graph's inputs. */
function bindings(nodes: readonly GraphNode[], feeds: Feeds): Record<string, number> {
  const known: Record<string, number> = {};
  for (const [symbol, { node, axis, others }] of symbolSources(nodes)) {
    const { operation } = node;
    if (operation.kind !== 'input') continue;
    const size = feeds[operation.name]!.shape[axis]!;
    known[symbol] = others.reduce((rest, other) => rest / known[other]!, size);
  }
  for (const node of nodes)
    for (const dimension of node.shape)
      for (const symbol of factors(dimension).symbols)
        if (known[symbol] === undefined) throw new Error(`no feed tells the size ${symbol}`);
  return known;
}

/** Values of all nodes that `wanted` need. */
export function evaluateGraph(wanted: readonly GraphNode[], feeds: Feeds): ReadonlyMap<GraphNode, Tensor> {
  const nodes = reachable(wanted);
  const sizes = bindings(nodes, feeds);
  const shapeOf = (shape: Shape): number[] => shape.map((dimension) => sizeOf(dimension, sizes));
  const values = new Map<GraphNode, Tensor>();
  for (const node of nodes) {
    const { operation } = node;
    if ((operation.kind === 'input' || operation.kind === 'parameter') && !feeds[operation.name])
      throw new Error(`no feed ${operation.name}`);
    const rule = rules[operation.kind] as (
      call: Omit<Call<'neg'>, 'operation'> & { operation: Operation },
    ) => Tensor;
    const inputs = node.inputs.map((input) => values.get(input)!);
    const shape = shapeOf(node.shape);
    const value = rule({ operation, inputs, feeds, shape });
    if (value.data.length !== count(shape))
      throw new Error(`${operation.kind} gave ${value.data.length} numbers for [${shape.join(', ')}]`);
    values.set(node, { shape, data: value.data });
  }
  return values;
}
