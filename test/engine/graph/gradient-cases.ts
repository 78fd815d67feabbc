/**
 * For each operation: graphs that use it on small inputs which hold zeros, negative and large numbers. The record has a
 * key for every operation, so a new one without a case does not compile.
 */
import type { Shape } from '../../../src-main/graph/dimension.ts';
import type { Graph, GraphNode } from '../../../src-main/graph/graph.ts';
import type { BinaryKind, ElementType, OperationKind, UnaryKind } from '../../../src-main/graph/operation.ts';
import { scoreTokens } from '../../../src-main/networks/head.ts';
import { randomSequence } from '../../../src-main/contract/random.ts';
import type { Tensor } from '../../helpers/evaluate-graph.ts';
import { tensor } from '../../helpers/evaluate-graph.ts';

export interface Leaf {
  readonly value: Tensor;
  /** Shape in the graph, where it has symbols. */
  readonly shape?: Shape;
  readonly type?: ElementType;
  /** Fed as a weight rather than as an input. */
  readonly parameter?: boolean;
}

export interface GradientCase {
  readonly name: string;
  readonly leaves: Readonly<Record<string, Leaf>>;
  readonly build: (graph: Graph, leaves: Readonly<Record<string, GraphNode>>) => GraphNode;
  /** Bound of |ONNX Runtime − evaluator| beside 1e-5 of the number: by default 2e-6 of the largest number. */
  readonly absolute?: number;
  /** Central differences move a number x by 1e-5 · max(|x|, this); 1 when left out. */
  readonly unit?: number;
}

/** Small, large, negative and zero numbers in an order that differs from seed to seed. */
const plain = [0, 1, -1, 0.5, -0.25, 3, -2, 10, -10, 1e-3, -1e-3, 0.75, 100, -30];

export function mixed(shape: readonly number[], seed: number, grid: readonly number[] = plain): Tensor {
  const next = randomSequence([99, seed]);
  const size = shape.reduce((product, length) => product * length, 1);
  // Numbers of the grid and numbers between, so that no two inputs are proportional.
  return tensor(
    shape,
    Array.from({ length: size }, (_, index) =>
      index % 2 === 0 ? grid[Math.floor(next() * grid.length)]! : Math.round((next() * 4 - 2) * 1e4) / 1e4,
    ),
  );
}

const row = (values: readonly number[]): Leaf => ({ value: tensor([values.length], values) });
const column = (values: readonly number[]): Leaf => ({ value: tensor([values.length, 1], values) });
const ints = (values: readonly number[], shape: readonly number[] = [values.length]): Leaf => ({
  value: tensor(shape, values),
  type: 'int32',
});

const everywhere = [-100, -30, -9, -4, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 4, 9, 30, 100];
const positive = [1e-3, 0.01, 0.5, 1, 2, 50, 1e4];

function unary(kind: UnaryKind, grid: readonly number[], absolute = 1e-6): GradientCase[] {
  const build: GradientCase['build'] = (graph, { x }) => graph.unary(kind, x!);
  return [{ name: kind, leaves: { x: row(grid) }, build, absolute, unit: 1e-3 }];
}

/** Every pair of the two grids (by broadcasting), equal shapes, and a number against an array. */
function binary(kind: BinaryKind, left: readonly number[], right: readonly number[]): GradientCase[] {
  const build: GradientCase['build'] = (graph, { a, b }) => graph.binary(kind, a!, b!);
  return [
    { name: `${kind}, all pairs`, leaves: { a: column(left), b: row(right) }, build },
    {
      name: `${kind}, equal shapes`,
      leaves: {
        a: { value: tensor([2, 3], left.slice(0, 6)) },
        b: { value: tensor([2, 3], right.slice(0, 6)) },
      },
      build,
    },
    { name: `${kind}, scalar`, leaves: { a: { value: tensor([], [left[1]!]) }, b: row(right) }, build },
    {
      name: `${kind} of a value and itself`,
      leaves: { a: row(left.map((value) => (value === 0 ? 0.1 : value))) },
      build: (graph, { a }) => graph.binary(kind, graph.scale(a!, 2), graph.multiply(a!, a!)),
    },
  ];
}

const leftGrid = [-30, -2, -0.5, 0, 0.3, 1, 40];
/** No number of the other grid, for there a maximum has no derivative. */
const rightGrid = [-20, -3, -0.7, 0.1, 0.6, 2, 25];

const flags = [false, true];

const gemmCases: GradientCase[] = flags.flatMap((transposeA) =>
  flags.flatMap((transposeB) =>
    [null, [3, 5], [5], [3, 1], []].map((c, index): GradientCase => ({
      name: `gemm ${transposeA ? 'aᵀ' : 'a'} ${transposeB ? 'bᵀ' : 'b'} c ${c ? `[${c.join()}]` : 'absent'}`,
      leaves: {
        a: { value: mixed(transposeA ? [4, 3] : [3, 4], 1 + index) },
        b: { value: mixed(transposeB ? [5, 4] : [4, 5], 11 + index) },
        ...(c ? { c: { value: mixed(c, 21 + index) } } : {}),
      },
      build: (graph, { a, b, c: summand }) => graph.gemm(a!, b!, { transposeA, transposeB, c: summand }),
    })),
  ),
);

const matmulCases: GradientCase[] = flags.flatMap((transposeA) =>
  flags.map((transposeB): GradientCase => ({
    name: `matmul ${transposeA ? 'aᵀ' : 'a'} ${transposeB ? 'bᵀ' : 'b'}`,
    leaves: {
      a: {
        value: mixed(transposeA ? [2, 2, 4, 3] : [2, 2, 3, 4], 31),
        shape: ['B', 2, ...(transposeA ? [4, 3] : [3, 4])],
      },
      b: {
        value: mixed(transposeB ? [2, 2, 5, 4] : [2, 2, 4, 5], 32),
        shape: ['B', 2, ...(transposeB ? [5, 4] : [4, 5])],
      },
    },
    build: (graph, { a, b }) => graph.matmul(a!, b!, { transposeA, transposeB, alpha: 0.3 }),
  })),
);

/** Angles of a rotation, as positions × frequencies. */
function angles(of: (x: number) => number): Leaf {
  const frequencies = [1, 0.1, 0.01, 0.3];
  return {
    value: tensor(
      [6, 4],
      Array.from({ length: 24 }, (_, at) => of(Math.floor(at / 4) * frequencies[at % 4]!)),
    ),
    shape: ['P', 4],
  };
}

function headCase(
  result: 'logprobs' | 'entropies',
  slices: readonly (readonly [number, number] | null)[],
  seed: number,
): GradientCase {
  // An entropy is the difference of two logits: large ones leave little of it in single precision.
  const large = result === 'logprobs';
  return {
    name: `${result} in ${slices.length} slices`,
    leaves: {
      h: { value: mixed([4, 3], seed, large ? [0, -1, 2, -3] : [0, -1, 0.5]), shape: ['M', 3] },
      head: {
        value: mixed([7, 3], seed + 1, large ? [0, 1, -2, 5] : [0, 1, -1.5]),
        shape: [7, 3],
        parameter: true,
      },
      targets: { ...ints([6, 0, 3, 3]), shape: ['M'] },
    },
    build: (graph, { h, targets }) =>
      scoreTokens(graph, h!, { name: 'head', shape: [7, 3] }, targets!, slices)[result],
  };
}

export const gradientCases: Readonly<
  Record<OperationKind, readonly GradientCase[] | { readonly none: string }>
> = {
  input: { none: 'a leaf: every other case reads its gradient' },
  parameter: { none: 'a leaf: the cases of embed, logProbability and entropy read its gradient' },
  joinedParameter: { none: 'inference only' },
  scalar: { none: 'a constant' },
  detach: { none: 'stops the gradient, which the unit tests of differentiate check' },
  lessOrEqual: { none: 'piecewise constant' },
  reduceMax: { none: 'used as a shift that cancels, or detached' },
  fusedRmsNorm: { none: 'inference only; the sampler is compared with the learner' },
  cachedAttention: { none: 'inference only; the sampler is compared with the learner' },

  neg: unary('neg', everywhere),
  exp: unary('exp', [-100, -30, -5, -1, -1e-3, 0, 1e-3, 1, 5]),
  log: unary('log', positive),
  sqrt: unary('sqrt', positive),
  reciprocal: unary('reciprocal', [...positive.slice(1), ...positive.slice(1).map((x) => -x)]),
  tanh: unary('tanh', everywhere),
  sigmoid: unary('sigmoid', everywhere),
  erf: unary('erf', everywhere),
  silu: unary('silu', everywhere),
  add: binary('add', leftGrid, rightGrid),
  sub: binary('sub', leftGrid, rightGrid),
  mul: binary('mul', leftGrid, rightGrid),
  div: binary('div', leftGrid, rightGrid),
  max: binary('max', leftGrid, rightGrid),
  min: binary('min', leftGrid, rightGrid),
  gatedSilu: [
    {
      name: 'gated silu',
      leaves: {
        gate: { value: tensor([5, 3], everywhere), shape: ['N', 3] },
        up: { value: mixed([5, 3], 41), shape: ['N', 3] },
      },
      build: (graph, { gate, up }) => graph.gatedSilu(gate!, up!),
    },
  ],
  gemm: gemmCases,
  matmul: matmulCases,
  transpose: [
    [1, 0, 2, 3],
    [0, 2, 1, 3],
    [3, 0, 2, 1],
    [2, 3, 1, 0],
  ].map((permutation) => ({
    name: `transpose ${permutation.join()}`,
    leaves: { x: { value: mixed([2, 3, 2, 4], 51), shape: ['B', 3, 'T', 4] } },
    build: (graph, { x }) => graph.transpose(x!, permutation),
  })),
  reshape: (
    [
      [
        ['B', 'T', 4, 3],
        ['B*T', 12],
      ],
      [
        ['B', 'T', 4, 3],
        ['T', '2*B', 6],
      ],
      [
        ['B', 'T', 4, 3],
        ['4*B*T', 3],
      ],
      [
        ['B', 'T', 4, 3],
        ['B', 1, 1, 'T', 12],
      ],
    ] as const
  ).map(([from, to]) => ({
    name: `reshape to [${to.join(', ')}]`,
    leaves: { x: { value: mixed([3, 2, 4, 3], 61), shape: from } },
    build: (graph: Graph, { x }: Readonly<Record<string, GraphNode>>) => graph.reshape(x!, to),
  })),
  slice: (
    [
      [1, 0, 2],
      [1, 2, 5],
      [1, 1, 4],
      [1, 0, 5],
      [2, 1, 2],
    ] as const
  ).map(([axis, start, end]) => ({
    name: `slice ${start} to ${end} of axis ${axis}`,
    leaves: { x: { value: mixed([2, 5, 3], 71), shape: ['B', 5, 3] } },
    build: (graph: Graph, { x }: Readonly<Record<string, GraphNode>>) => graph.slice(x!, axis, start, end),
  })),
  concat: [0, 1].map((axis) => ({
    name: `concat along axis ${axis}`,
    leaves: {
      a: { value: mixed([2, 3], 81) },
      b: { value: mixed(axis === 0 ? [4, 3] : [2, 1], 82) },
    },
    build: (graph, { a, b }) => graph.concat([a!, b!, a!], axis),
  })),
  reduceSum: [[0], [1], [0, 2], [0, 1, 2], [2]].map((axes) => ({
    name: `sum over axes ${axes.join()}`,
    leaves: { x: { value: mixed([2, 3, 4], 91), shape: ['B', 3, 'T'] } },
    build: (graph, { x }) => graph.reduceSum(graph.multiply(x!, x!), axes),
  })),
  softmax: [
    {
      name: 'softmax',
      leaves: { x: { value: mixed([4, 3, 5], 101), shape: ['B', 3, 'T'] } },
      build: (graph, { x }) => graph.softmax(x!),
      absolute: 1e-6,
    },
    {
      name: 'softmax of masked, equal and very large scores',
      leaves: { x: { value: tensor([4, 3], [0, 0, 0, 80, 81, -80, -1e9, 2, 3, -1e9, -1e9, 5]) } },
      build: (graph, { x }) => graph.softmax(x!),
      absolute: 1e-5,
    },
  ],
  embed: [
    {
      name: 'embed, ids that repeat',
      leaves: {
        table: { value: mixed([5, 3], 111), parameter: true },
        ids: { ...ints([4, 0, 4, 2, 4, 0]), shape: ['N'] },
      },
      build: (graph, { table, ids }) => graph.embed(table!, ids!),
    },
    {
      name: 'embed from one table twice',
      leaves: {
        table: { value: mixed([5, 3], 112), parameter: true },
        ids: ints([1, 1, 3]),
        others: ints([3, 0, 1]),
      },
      build: (graph, { table, ids, others }) =>
        graph.multiply(graph.embed(table!, ids!), graph.embed(table!, others!)),
    },
  ],
  pickRows: [
    {
      name: 'pick rows',
      leaves: {
        x: { value: mixed([5, 2], 121), shape: ['N', 2] },
        rows: { ...ints([4, 0, 2]), shape: ['M'] },
        inverse: { ...ints([1, 3, 2, 3, 0]), shape: ['N'] },
      },
      build: (graph, { x, rows, inverse }) => graph.pickRows(x!, rows!, inverse!),
    },
  ],
  placeRows: [
    {
      name: 'place rows',
      leaves: {
        y: { value: mixed([3, 2], 122), shape: ['M', 2] },
        rows: { ...ints([4, 0, 2]), shape: ['M'] },
        inverse: { ...ints([1, 3, 2, 3, 0]), shape: ['N'] },
      },
      build: (graph, { y, rows, inverse }) => graph.placeRows(y!, rows!, inverse!),
    },
  ],
  rope: [
    {
      name: 'rotation',
      leaves: {
        x: { value: mixed([2, 2, 3, 8], 131), shape: ['B', 2, 'T', 8] },
        positions: { value: tensor([2, 3], [0, 1, 2, 5, 0, 3]), shape: ['B', 'T'], type: 'int64' },
        cos: angles(Math.cos),
        sin: angles(Math.sin),
      },
      build: (graph, { x, positions, cos, sin }) => graph.rope(x!, positions!, cos!, sin!),
    },
  ],
  attend: [
    {
      name: 'attend',
      leaves: {
        scores: { value: mixed([2, 1, 3, 4], 141), shape: ['B', 1, 3, 'T'] },
        values: { value: mixed([2, 1, 4, 5], 142), shape: ['B', 1, 'T', 5] },
      },
      build: (graph, { scores, values }) => graph.attend(scores!, values!),
    },
    {
      name: 'attend where most is masked',
      leaves: {
        scores: { value: tensor([1, 2, 3], [1, -1e9, -1e9, 2, 0, -1e9]) },
        values: { value: mixed([1, 3, 2], 143) },
      },
      build: (graph, { scores, values }) => graph.attend(scores!, values!),
      absolute: 1e-4,
    },
  ],
  rmsNorm: [
    {
      name: 'root mean square norm',
      leaves: { x: { value: mixed([4, 6], 151), shape: ['N', 6] }, w: { value: mixed([6], 152) } },
      build: (graph, { x, w }) => graph.rmsNorm(x!, w!, 1e-5),
    },
    {
      name: 'root mean square norm of a row of zeros',
      leaves: { x: { value: tensor([2, 3], [0, 0, 0, 1, 2, -3]) }, w: row([1, -2, 0]) },
      build: (graph, { x, w }) => graph.rmsNorm(x!, w!, 0.1),
    },
  ],
  layerNorm: [
    {
      name: 'layer norm',
      leaves: {
        x: { value: mixed([4, 6], 161), shape: ['N', 6] },
        w: { value: mixed([6], 162) },
        b: { value: mixed([6], 163) },
      },
      build: (graph, { x, w, b }) => graph.layerNorm(x!, w!, b!, 1e-5),
    },
    {
      name: 'layer norm of a constant row',
      leaves: { x: { value: tensor([2, 3], [4, 4, 4, 1, 2, -3]) }, w: row([1, -2, 0]), b: row([0, 1, 2]) },
      build: (graph, { x, w, b }) => graph.layerNorm(x!, w!, b!, 0.1),
    },
  ],
  logProbability: [
    headCase('logprobs', [null], 171),
    headCase('logprobs', [[0, 3], [3, 6], [6, 7]], 181), // prettier-ignore
  ],
  entropy: [
    headCase('entropies', [null], 191),
    headCase('entropies', [[0, 3], [3, 6], [6, 7]], 201), // prettier-ignore
    headCase('entropies', [[0, 1], [1, 7]], 211), // prettier-ignore
  ],
};
