/**
 * Three computations of each gradient: central differences and the gradient graph, both in double precision, and the
 * gradient graph through ONNX Runtime in single precision.
 */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../src-main/graph/differentiate.ts';
import type { Derivative } from '../../../src-main/graph/differentiate.ts';
import { Graph } from '../../../src-main/graph/graph.ts';
import type { GraphNode } from '../../../src-main/graph/graph.ts';
import { expectClose, largestSize } from '../../helpers/compare.ts';
import type { Feeds, Tensor } from '../../helpers/evaluate-graph.ts';
import { evaluateGraph, tensor } from '../../helpers/evaluate-graph.ts';
import { runGraph } from '../../helpers/run-graph.ts';
import type { GradientCase } from './gradient-cases.ts';
import { gradientCases, mixed } from './gradient-cases.ts';

interface Built {
  readonly graph: Graph;
  readonly output: GraphNode;
  readonly derivative: Derivative;
  readonly feeds: Feeds;
  /** How much each number of the output counts in the loss. */
  readonly weights: Tensor;
}

/** The case with the loss Σ weight · output, and its gradient with respect to every leaf in floats. */
function build({ leaves, build: make }: GradientCase): Built {
  const graph = new Graph();
  const nodes = Object.fromEntries(
    Object.entries(leaves).map(
      ([name, { value, shape = value.shape, type = 'float32', parameter = false }]) => [
        name,
        parameter ? graph.parameter(name, shape) : graph.input(name, shape, type),
      ],
    ),
  );
  const output = make(graph, nodes);
  const values = Object.fromEntries(Object.entries(leaves).map(([name, { value }]) => [name, value]));
  const { shape } = evaluateGraph([output], values).get(output)!;
  const weights = mixed(shape, 7, [1, -1, 2, -0.5, 0]);
  const weighted = graph.multiply(output, graph.input('weights', output.shape));
  const loss =
    output.shape.length === 0
      ? weighted
      : graph.reshape(
          graph.reduceSum(
            weighted,
            output.shape.map((_, axis) => axis),
          ),
          [],
        );
  const derivative = differentiate(
    graph,
    loss,
    ({ operation, type }) =>
      (operation.kind === 'input' && type === 'float32' && operation.name !== 'weights') ||
      operation.kind === 'parameter',
  );
  return { graph, output, derivative, feeds: { ...values, weights }, weights };
}

/** Gradient arrays of all leaves from values of the nodes of a derivative: matrices, slices of rows and single rows summed. */
function collect(
  { gradients, rows }: Derivative,
  feeds: Feeds,
  value: (node: GraphNode) => ArrayLike<number>,
): Map<string, Float64Array> {
  const sums = new Map<string, Float64Array>();
  const sumOf = (leaf: GraphNode): { sum: Float64Array; start: number; width: number } => {
    const { operation } = leaf;
    if (operation.kind !== 'input' && operation.kind !== 'parameter')
      throw new Error('a gradient of no leaf');
    const whole = feeds[operation.name]!;
    const sum = sums.get(operation.name) ?? new Float64Array(whole.data.length);
    sums.set(operation.name, sum);
    const width = whole.data.length / (whole.shape[0] ?? 1);
    return {
      sum,
      width,
      start: operation.kind === 'parameter' && operation.rows ? operation.rows[0] * width : 0,
    };
  };
  for (const { parameter, gradient } of gradients) {
    const { sum, start } = sumOf(parameter);
    const values = value(gradient);
    for (let at = 0; at < values.length; at++) sum[start + at]! += values[at]!;
  }
  for (const { parameter, ids, rows: added } of rows) {
    const { sum, width } = sumOf(parameter);
    if (ids.operation.kind !== 'input') throw new Error('ids are fed');
    const values = value(added);
    feeds[ids.operation.name]!.data.forEach((id, row) => {
      for (let at = 0; at < width; at++) sum[id * width + at]! += values[row * width + at]!;
    });
  }
  return sums;
}

/** Central difference for each number of a leaf; output by output, so that large ones do not drown small ones. */
function centralDifferences({ output, feeds, weights }: Built, name: string, unit: number): Float64Array {
  const { shape, data } = feeds[name]!;
  const at = (index: number, by: number): Float64Array => {
    const moved = data.slice();
    moved[index]! += by;
    return evaluateGraph([output], { ...feeds, [name]: tensor(shape, moved) }).get(output)!.data;
  };
  return data.map((x, index) => {
    const step = 1e-5 * Math.max(Math.abs(x), unit);
    const [up, down] = [at(index, step), at(index, -step)];
    const width = x + step - (x - step);
    return weights.data.reduce(
      (sum, weight, place) => sum + (weight * (up[place]! - down[place]!)) / width,
      0,
    );
  });
}

for (const [kind, cases] of Object.entries(gradientCases)) {
  if ('none' in cases) continue;
  describe(`gradient of ${kind}`, () => {
    it.each(cases)('$name', async (one) => {
      const built = build(one);
      const { graph, output, derivative, feeds } = built;
      expect(
        output.operation.kind === kind || graph.nodes.some(({ operation }) => operation.kind === kind),
      ).toBe(true);
      const wanted = [
        output,
        ...derivative.gradients.map(({ gradient }) => gradient),
        ...derivative.rows.map(({ rows }) => rows),
      ];
      const exact = evaluateGraph(wanted, feeds);
      const gradients = collect(derivative, feeds, (node) => exact.get(node)!.data);

      const floats = Object.entries(one.leaves).filter(([, { type = 'float32' }]) => type === 'float32');
      // The rotation's tables are constants of the model.
      const differentiated = floats.filter(([name]) => kind !== 'rope' || name === 'x');
      for (const [name] of differentiated) {
        const differences = centralDifferences(built, name, one.unit ?? 1);
        expectClose(
          gradients.get(name) ?? new Float64Array(differences.length),
          differences,
          { relative: 1e-6, absolute: 1e-6 * Math.max(1e-2, Math.min(1, largestSize(differences))) },
          `gradient of ${kind} to ${name}`,
        );
      }
      expect([...gradients.keys()].sort()).toEqual(differentiated.map(([name]) => name).sort());

      const shapes = wanted.map((node) => exact.get(node)!.shape);
      const arrays = await runGraph(
        graph,
        wanted.map((node, index) => ({ name: `result-${index}`, node })),
        shapes,
        feeds,
      );
      wanted.forEach((node, index) => {
        const expected = exact.get(node)!.data;
        const absolute = one.absolute ?? 2e-6 * largestSize(expected);
        expectClose(
          arrays[index]!,
          expected,
          { relative: 1e-5, absolute },
          index === 0 ? 'value' : `gradient ${index}`,
        );
      });
    });
  });
}

describe('where a maximum has no derivative', () => {
  it.each([
    ['max', [0, 1]],
    ['min', [1, 0]],
  ] as const)('%s hands the gradient of a tie to one side', async (kind, [first, second]) => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', [2]), graph.input('b', [2])];
    const loss = graph.reshape(graph.reduceSum(graph.binary(kind, a, b), [0]), []);
    const { gradients } = differentiate(graph, loss, () => true);
    const arrays = await runGraph(
      graph,
      gradients.map(({ parameter, gradient }) => ({
        name: parameter.operation.kind === 'input' ? `d-${parameter.operation.name}` : '',
        node: gradient,
      })),
      [[2], [2]],
      { a: tensor([2], [0, -3]), b: tensor([2], [0, -3]) },
    );
    const byName = new Map(gradients.map(({ parameter }, index) => [parameter, [...arrays[index]!]]));
    expect(byName.get(a)).toEqual([first, first]);
    expect(byName.get(b)).toEqual([second, second]);
  });
});
