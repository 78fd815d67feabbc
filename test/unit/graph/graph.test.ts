/** Construction of graphs: shapes of results, complaints, shared nodes, and the validator. */
import { describe, expect, it } from 'vitest';
import { compile, reachable } from '../../../src-main/graph/compile.ts';
import type { Shape } from '../../../src-main/graph/dimension.ts';
import type { GraphNode } from '../../../src-main/graph/graph.ts';
import { flattenedRows, Graph, GraphError } from '../../../src-main/graph/graph.ts';
import { broadcast } from '../../../src-main/graph/shape-rules.ts';
import { symbolSources } from '../../../src-main/graph/symbols.ts';
import { validateGraph } from '../../../src-main/graph/validate.ts';

function makeGraph(): {
  graph: Graph;
  x: (shape: Shape, name?: string) => GraphNode;
  ids: (shape: Shape) => GraphNode;
} {
  const graph = new Graph();
  let count = 0;
  return {
    graph,
    x: (shape, name = `x${count++}`) => graph.input(name, shape),
    ids: (shape) => graph.input(`ids${count++}`, shape, 'int32'),
  };
}

describe('broadcasting', () => {
  it.each<[Shape, Shape, Shape | null]>([
    [['B', 3], [3], ['B', 3]],
    [
      ['B', 1],
      [1, 'T'],
      ['B', 'T'],
    ],
    [[], ['B', 4], ['B', 4]],
    [[2, 3], [2], null],
    [['B'], ['T'], null],
    [[2], ['T'], null],
  ])('%j with %j', (a, b, expected) => {
    expect(broadcast(a, b)).toEqual(expected);
    expect(broadcast(b, a)).toEqual(expected);
  });
});

describe('shapes of results', () => {
  const { graph, x, ids } = makeGraph();
  it.each<[string, GraphNode, Shape]>([
    ['gemm', graph.gemm(x(['B*T', 4]), x([5, 4]), { transposeB: true, c: x([5]) }), ['B*T', 5]],
    ['gemm of transposed', graph.gemm(x([4, 'N']), x([4, 5]), { transposeA: true }), ['N', 5]],
    [
      'matmul',
      graph.matmul(x(['B', 2, 'T', 4]), x(['B', 2, 'T', 4]), { transposeB: true }),
      ['B', 2, 'T', 'T'],
    ],
    ['transpose', graph.transpose(x(['B', 2, 'T']), [2, 0, 1]), ['T', 'B', 2]],
    ['reshape', graph.reshape(x(['B', 'T', 6]), ['2*B*T', 3]), ['2*B*T', 3]],
    ['slice', graph.slice(x(['B', 7]), 1, 2, 5), ['B', 3]],
    ['concat', graph.concat([x(['B', 2]), x(['B', 3])], 1), ['B', 5]],
    ['sum', graph.reduceSum(x(['B', 3, 'T']), [0, 2]), [1, 3, 1]],
    ['maximum', graph.reduceMax(x(['B', 3])), ['B', 1]],
    ['embed', graph.embed(x([9, 4]), ids(['B*T'])), ['B*T', 4]],
    ['picked rows', graph.pickRows(x(['N', 4]), ids(['M']), ids(['N'])), ['M', 4]],
    ['placed rows', graph.placeRows(x(['M', 4]), ids(['M']), ids(['N'])), ['N', 4]],
    ['mean', graph.mean(x(['N', 4])), ['N', 1]],
    ['attend', graph.attend(x(['B', 'T', 'S']), x(['B', 'S', 4])), ['B', 'T', 4]],
    ['scalar', graph.scalar(3), []],
  ])('%s', (_name, node, shape) => {
    expect(node.shape).toEqual(shape);
  });

  it('flattens all axes but the last', () => {
    expect(flattenedRows(['B', 'T', 4])).toEqual(['B*T', 4]);
    expect(flattenedRows([])).toEqual([1, 1]);
  });
});

describe('wrong inputs are refused with operation and shapes', () => {
  const cases: Record<string, [(tools: ReturnType<typeof makeGraph>) => unknown, RegExp]> = {
    'sizes that do not broadcast': [
      ({ graph, x }) => graph.addition(x([2, 3]), x([4])),
      /add\(.*\[2, 3\].*\[4\].*broadcast/,
    ],
    'a product of unequal inner sizes': [
      ({ graph, x }) => graph.gemm(x([2, 3]), x([2, 3])),
      /gemm\(.*inner sizes 3 and 2/,
    ],
    'a product of three axes': [({ graph, x }) => graph.gemm(x([2, 3, 1]), x([1, 2])), /gemm.*2 axes wanted/],
    'a summand that widens a product': [
      ({ graph, x }) => graph.gemm(x([1, 3]), x([3, 2]), { c: x([4, 2]) }),
      /c does not broadcast to \[1, 2\]/,
    ],
    'batches that differ': [
      ({ graph, x }) => graph.matmul(x(['B', 2, 3]), x(['T', 3, 2])),
      /matmul.*leading axes differ/,
    ],
    'a batched product of two axes': [
      ({ graph, x }) => graph.matmul(x([2, 3]), x([3, 2])),
      /at least three axes/,
    ],
    'a permutation with an axis twice': [
      ({ graph, x }) => graph.transpose(x([2, 3]), [0, 0]),
      /\[0, 0\] is no permutation/,
    ],
    'a permutation of fewer axes': [
      ({ graph, x }) => graph.transpose(x([2, 3, 4]), [1, 0]),
      /no permutation/,
    ],
    'a reshape to another number of elements': [
      ({ graph, x }) => graph.reshape(x(['B', 4]), ['B', 5]),
      /\[B, 5\] has another number of elements/,
    ],
    'a slice beyond the end': [({ graph, x }) => graph.slice(x(['B', 4]), 1, 2, 5), /rows 2 to 5 of axis 1/],
    'an empty slice': [({ graph, x }) => graph.slice(x(['B', 4]), 1, 2, 2), /rows 2 to 2/],
    'a slice of an unknown size': [
      ({ graph, x }) => graph.slice(x(['B', 4]), 0, 0, 1),
      /rows 0 to 1 of axis 0/,
    ],
    'parts of other widths': [
      ({ graph, x }) => graph.concat([x([2, 3]), x([2, 4])], 0),
      /concat.*other axes differ/,
    ],
    'parts of unknown size': [
      ({ graph, x }) => graph.concat([x(['B', 3]), x([2, 3])], 0),
      /axis 0 must have a known size/,
    ],
    'a sum over a missing axis': [
      ({ graph, x }) => graph.reduceSum(x([2, 3]), [2]),
      /axes 2 are out of range/,
    ],
    'ids in floats': [({ graph, x }) => graph.embed(x([9, 4]), x(['N'])), /embed.*input 1 must be int32/],
    'numbers in integers': [
      ({ graph, x, ids }) => graph.addition(x([2]), ids([2])),
      /add.*input 1 must be float32/,
    ],
    'an inverse of another length': [
      ({ graph, x, ids }) => graph.pickRows(x(['N', 4]), ids(['M']), ids(['M'])),
      /one entry for each row/,
    ],
    'angles for another head size': [
      ({ graph, x }) =>
        graph.rope(x(['B', 2, 'T', 8]), graph.input('p', ['B', 'T'], 'int64'), x(['P', 8]), x(['P', 8])),
      /half as many columns/,
    ],
    'positions of another batch': [
      ({ graph, x }) =>
        graph.rope(x(['B', 2, 'T', 8]), graph.input('p', ['T', 'B'], 'int64'), x(['P', 4]), x(['P', 4])),
      /positions must be \[batch, time\]/,
    ],
    'weights that are no softmax of the scores': [
      ({ graph, x }) =>
        graph.add({ kind: 'attend' }, [x([1, 2, 2]), graph.softmax(x([1, 2, 2])), x([1, 2, 3])]),
      /softmax of the scores/,
    ],
    'a norm with another number of weights': [
      ({ graph, x }) => graph.rmsNorm(x(['N', 4]), x([5]), 1e-6),
      /one weight for each column/,
    ],
    'a layer norm with another number of biases': [
      ({ graph, x }) => graph.layerNorm(x(['N', 4]), x([4]), x([5]), 1e-6),
      /layerNorm.*one weight for each column/,
    ],
    'three parts of unequal shape': [
      ({ graph, x }) => graph.gatedSilu(x([2, 3]), x([2, 4])),
      /three equal shapes/,
    ],
    'a mean of unknown width': [({ graph, x }) => graph.mean(x([3, 'T'])), /must have a known size/],
    'a head with too few parts': [
      ({ graph, x, ids }) =>
        graph.add({ kind: 'logProbability', slices: 2 }, [x(['M', 2]), x(['M', 2]), ids(['M']), x(['M', 1])]),
      /10 inputs wanted/,
    ],
    'a number that is not finite': [({ graph }) => graph.scalar(NaN), /scalar.*NaN is no finite number/],
    'a missing input': [({ graph, x }) => graph.add({ kind: 'add' }, [x([2])]), /input 1 is missing/],
  };
  it.each(Object.entries(cases))('%s', (_name, [build, message]) => {
    const tools = makeGraph();
    expect(() => build(tools)).toThrow(GraphError);
    expect(() => build(makeGraph())).toThrow(message);
  });
});

describe('equal operations', () => {
  it('on equal inputs are one node', () => {
    const { graph, x } = makeGraph();
    const [a, b] = [x([2], 'a'), x([2], 'b')];
    expect(graph.addition(a, b)).toBe(graph.addition(a, b));
    expect(graph.addition(a, b)).not.toBe(graph.addition(b, a));
    expect(graph.scalar(1)).toBe(graph.scalar(1));
    expect(graph.scalar(1)).not.toBe(graph.scalar(2));
    expect(graph.input('a', [2])).toBe(a);
    expect(graph.slice(a, 0, 0, 1)).not.toBe(graph.slice(a, 0, 1, 2));
    expect(graph.scale(a, 1)).toBe(a);
    expect(graph.reshape(a, [2])).toBe(a);
    expect(graph.concat([a], 0)).toBe(a);
  });
});

describe('validation', () => {
  const check = (graph: Graph, output: GraphNode): void => validateGraph(graph, reachable([output]));

  it('passes a sound graph', () => {
    const { graph, x } = makeGraph();
    expect(() => check(graph, graph.unary('exp', x(['B', 2])))).not.toThrow();
  });

  it('finds a node of another graph', () => {
    const { graph, x } = makeGraph();
    x([2]);
    const other = new Graph();
    const foreign = other.input('foreign', [2]);
    expect(() => check(graph, graph.unary('neg', foreign))).toThrow(/#0 input.*belongs to another graph/);
  });

  it('finds a node before its input', () => {
    const { graph, x } = makeGraph();
    const a = x([2]);
    const negative = graph.unary('neg', a);
    expect(() => validateGraph(graph, [negative, a])).toThrow(
      /node #1 neg\(#0 input float32\[2\]\).*#0 comes later/,
    );
  });

  it('finds a size that no input tells', () => {
    const { graph } = makeGraph();
    const weight = graph.parameter('w', ['X', 2]);
    expect(() => check(graph, graph.unary('neg', weight))).toThrow(/no input tells the size X/);
  });

  it('finds a size in a product that cannot be divided out', () => {
    const { graph, x } = makeGraph();
    expect(() => check(graph, graph.unary('neg', x(['B*T', 2])))).toThrow(/no input tells the size [BT]/);
    const known = graph.addition(graph.reshape(x(['B*T', 2]), ['B*T*2']), graph.reduceSum(x(['B']), [0]));
    expect(() => check(graph, known)).not.toThrow();
  });

  it('finds one input with two shapes, and one parameter with two', () => {
    const { graph } = makeGraph();
    const [a, b] = [graph.input('x', [2]), graph.input('x', [1])];
    expect(() => check(graph, graph.addition(a, b))).toThrow(/input x also has shape \[2\]/);
    const [v, w] = [graph.parameter('w', [2]), graph.parameter('w', [1])];
    expect(() => check(graph, graph.addition(v, w))).toThrow(/parameter w also has shape \[2\]/);
    const rows = graph.addition(graph.parameter('e', [1, 2], [0, 1]), graph.parameter('e', [1, 2], [1, 2]));
    expect(() => check(graph, rows)).not.toThrow();
  });

  it('finds a shape, a type or a size that was tampered with', () => {
    const tampered = (change: Partial<GraphNode>): [Graph, GraphNode] => {
      const { graph, x } = makeGraph();
      const node = graph.unary('neg', x([2]));
      const broken = { ...node, ...change };
      graph.nodes[node.id] = broken;
      return [graph, broken];
    };
    expect(() => check(...tampered({ shape: [3] }))).toThrow(/neg.*→ \[3\]: its shape should be \[2\]/);
    expect(() => check(...tampered({ type: 'int32' }))).toThrow(/it cannot be int32/);
    const { graph, x } = makeGraph();
    expect(() => check(graph, x([2.5]))).toThrow(/2.5 is no size/);
    expect(() => check(graph, x([-1]))).toThrow(/-1 is no size/);
  });

  it('runs before a graph is written', () => {
    const { graph, x } = makeGraph();
    x([2]);
    const node = graph.unary('neg', new Graph().input('foreign', [2]));
    expect(() => compile(graph, [{ name: 'y', node }])).toThrow(/belongs to another graph/);
  });
});

describe('sources of sizes', () => {
  it('are axes, alone or in a product with sizes known elsewhere', () => {
    const { graph, x } = makeGraph();
    const nodes = reachable([
      graph.addition(graph.reshape(x(['B*S', 1], 'a'), ['B*S']), graph.reduceSum(x([2, 'B'], 'b'), [0, 1])),
    ]);
    const sources = symbolSources(nodes);
    expect(sources.get('B')).toMatchObject({ axis: 1, others: [] });
    expect(sources.get('S')).toMatchObject({ axis: 0, others: ['B'] });
  });
});
