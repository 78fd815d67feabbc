/** The structure of gradient graphs; their numbers are tested in test/engine/graph. */
import { describe, expect, it } from 'vitest';
import { reachable } from '../../../src-main/graph/compile.ts';
import { differentiate } from '../../../src-main/graph/differentiate.ts';
import type { GraphNode } from '../../../src-main/graph/graph.ts';
import { Graph } from '../../../src-main/graph/graph.ts';
import { evaluateGraph, tensor } from '../../helpers/evaluate-graph.ts';

const total = (graph: Graph, x: GraphNode): GraphNode =>
  graph.reshape(
    graph.reduceSum(
      x,
      x.shape.map((_, axis) => axis),
    ),
    [],
  );
const isParameter = ({ operation }: GraphNode): boolean => operation.kind === 'parameter';
const kindsOf = (nodes: readonly GraphNode[]): string[] => nodes.map(({ operation }) => operation.kind);

describe('accumulation', () => {
  it('of two products happens inside the second product', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', ['N', 3]), graph.input('y', ['N', 3])];
    const w = graph.parameter('w', [4, 3]);
    const both = graph.addition(
      graph.gemm(x, w, { transposeB: true }),
      graph.unary('exp', graph.gemm(y, w, { transposeB: true })),
    );
    const { gradients } = differentiate(graph, total(graph, both), isParameter);
    expect(gradients).toHaveLength(1);
    const { operation, inputs } = gradients[0]!.gradient;
    expect(operation.kind).toBe('gemm');
    expect(inputs).toHaveLength(3);
    expect(inputs[2]!.operation.kind).toBe('gemm');
  });

  it('of a product and something else takes the other as its summand', () => {
    const graph = new Graph();
    const [x, w] = [graph.input('x', [2, 3]), graph.parameter('w', [3, 3])];
    const loss = graph.addition(total(graph, graph.gemm(x, w)), total(graph, graph.multiply(w, w)));
    const { gradients } = differentiate(graph, loss, isParameter);
    const { operation, inputs } = gradients[0]!.gradient;
    expect(operation.kind).toBe('gemm');
    expect(inputs[2]).toBeDefined();
    const backward = reachable([gradients[0]!.gradient]).filter(({ id }) => id > loss.id);
    expect(kindsOf(backward).filter((kind) => kind === 'gemm')).toHaveLength(1);
  });

  it('never changes a product of the forward pass', () => {
    const graph = new Graph();
    const [x, w] = [graph.input('x', [2, 2]), graph.parameter('w', [2, 2])];
    const product = graph.gemm(x, w);
    // The gradient of w here is the value of a forward product plus another gradient.
    const loss = graph.addition(
      total(graph, graph.multiply(graph.detach(product), w)),
      total(graph, graph.unary('exp', w)),
    );
    const before = graph.nodes.length;
    const { gradients } = differentiate(graph, loss, isParameter);
    const feeds = { x: tensor([2, 2], [1, 2, 3, 4]), w: tensor([2, 2], [0.5, -1, 0, 2]) };
    const value = evaluateGraph([gradients[0]!.gradient], feeds).get(gradients[0]!.gradient)!;
    [0.5, 3, 1.5, 5].forEach((forward, index) =>
      expect(value.data[index]).toBeCloseTo(forward + Math.exp(feeds.w.data[index]!), 12),
    );
    expect(graph.nodes[product.id]).toBe(product);
    expect(graph.nodes.length).toBeGreaterThan(before);
  });

  it('sums over every use of a value', () => {
    const graph = new Graph();
    const w = graph.parameter('w', [1]);
    let sum = w;
    for (let times = 0; times < 4; times++) sum = graph.addition(sum, graph.multiply(w, graph.scalar(times)));
    const { gradients } = differentiate(graph, total(graph, sum), isParameter);
    const value = evaluateGraph([gradients[0]!.gradient], { w: tensor([1], [3]) });
    expect([...value.get(gradients[0]!.gradient)!.data]).toEqual([1 + 0 + 1 + 2 + 3]);
  });

  it('sums over broadcast axes', () => {
    const graph = new Graph();
    const [x, bias, factor] = [
      graph.input('x', ['N', 3]),
      graph.parameter('bias', [3]),
      graph.parameter('factor', []),
    ];
    const loss = total(graph, graph.multiply(graph.addition(x, bias), factor));
    const { gradients } = differentiate(graph, loss, isParameter);
    const feeds = {
      x: tensor([2, 3], [1, 2, 3, 4, 5, 6]),
      bias: tensor([3], [0, 1, 0]),
      factor: tensor([], [2]),
    };
    const values = evaluateGraph(
      gradients.map(({ gradient }) => gradient),
      feeds,
    );
    const byName = new Map(gradients.map(({ parameter, gradient }) => [parameter, values.get(gradient)!]));
    expect(byName.get(bias)).toEqual(tensor([3], [4, 4, 4]));
    expect(byName.get(factor)).toEqual(tensor([], [23]));
  });
});

describe('what is not wanted', () => {
  it('gets no gradient, and nothing is computed for it', () => {
    const graph = new Graph();
    const [x, w] = [graph.input('x', [2, 3]), graph.parameter('w', [3, 4])];
    const loss = total(graph, graph.gemm(x, w));
    const before = graph.nodes.length;
    const { gradients, rows } = differentiate(graph, loss, isParameter);
    expect(gradients.map(({ parameter }) => parameter)).toEqual([w]);
    expect(rows).toEqual([]);
    // One product, not two.
    expect(kindsOf(graph.nodes.slice(before)).filter((kind) => kind === 'gemm')).toHaveLength(1);
  });

  it('is behind a detach', () => {
    const graph = new Graph();
    const [v, w] = [graph.parameter('v', [2]), graph.parameter('w', [2])];
    const loss = total(graph, graph.multiply(graph.detach(graph.unary('exp', v)), w));
    const { gradients } = differentiate(graph, loss, isParameter);
    expect(gradients.map(({ parameter }) => parameter)).toEqual([w]);
    expect(differentiate(graph, total(graph, graph.detach(v)), isParameter).gradients).toEqual([]);
  });

  it('is a comparison', () => {
    const graph = new Graph();
    const w = graph.parameter('w', [2]);
    const loss = total(graph, graph.lessOrEqual(w, graph.scalar(0)));
    expect(differentiate(graph, loss, isParameter).gradients).toEqual([]);
  });
});

describe('tables', () => {
  it('get rows instead of a matrix, one entry for each use', () => {
    const graph = new Graph();
    const table = graph.parameter('table', [9, 3]);
    const [ids, others] = [graph.input('ids', ['N'], 'int32'), graph.input('others', ['M'], 'int32')];
    const loss = graph.addition(
      total(graph, graph.embed(table, ids)),
      total(graph, graph.embed(table, others)),
    );
    const { gradients, rows } = differentiate(graph, loss, isParameter);
    expect(gradients).toEqual([]);
    expect(rows.map((row) => [row.parameter, row.ids, row.rows.shape])).toEqual(
      expect.arrayContaining([
        [table, ids, ['N', 3]],
        [table, others, ['M', 3]],
      ]),
    );
  });

  it('get both where they are also multiplied with', () => {
    const graph = new Graph();
    const table = graph.parameter('table', [9, 3]);
    const rows = graph.embed(table, graph.input('ids', ['N'], 'int32'));
    const derivative = differentiate(
      graph,
      total(graph, graph.gemm(rows, table, { transposeB: true })),
      isParameter,
    );
    expect(derivative.gradients).toHaveLength(1);
    expect(derivative.gradients[0]!.gradient.shape).toEqual([9, 3]);
    expect(derivative.rows).toHaveLength(1);
  });
});

describe('refusals', () => {
  it('name the operation and the reason', () => {
    const graph = new Graph();
    const w = graph.parameter('w', [2, 3]);
    expect(() => differentiate(graph, total(graph, graph.reduceMax(w)), isParameter)).toThrow(
      /no gradient through reduceMax: .*detach it/,
    );
    expect(() => differentiate(graph, w, isParameter)).toThrow(/only a scalar of shape \[\]/);
  });

  it('do not happen where nothing wanted is behind the operation', () => {
    const graph = new Graph();
    const [x, w] = [graph.input('x', [2, 3]), graph.parameter('w', [2, 1])];
    const loss = total(graph, graph.multiply(graph.reduceMax(x), w));
    expect(differentiate(graph, loss, isParameter).gradients).toHaveLength(1);
  });
});
