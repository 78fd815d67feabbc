/** Checks a graph before it is written: order, shapes and types of every node, and that sizes can be known at run time. */
import { factors, formatShape, sameShape } from './dimension.ts';
import type { Graph, GraphNode } from './graph.ts';
import { inferType, shapeRules } from './shape-rules.ts';
import { symbolSources } from './symbols.ts';
import type { Operation } from './operation.ts';
import type { Shape } from './dimension.ts';

/** Throws, naming node, operation and shapes, when `nodes` (all that the outputs need) is no legal graph. */
export function validateGraph(graph: Graph, nodes: readonly GraphNode[]): void {
  const known = new Set<GraphNode>();
  const symbols = symbolSources(nodes);
  const inputs = new Map<string, GraphNode>();
  const parameters = new Map<string, Shape>();
  for (const node of nodes) {
    const fail = (problem: string): never => {
      const shapes = node.inputs.map(
        (input) => `#${input.id} ${input.operation.kind} ${input.type}${formatShape(input.shape)}`,
      );
      throw new Error(
        `internal: node #${node.id} ${node.operation.kind}(${shapes.join(', ')}) → ${formatShape(node.shape)}: ${problem}`,
      );
    };
    if (graph.nodes[node.id] !== node) fail('it belongs to another graph');
    for (const input of node.inputs) if (!known.has(input)) fail(`input #${input.id} comes later`);
    const rule = shapeRules[node.operation.kind] as (
      operation: Operation,
      inputs: readonly GraphNode[],
      fail: (problem: string) => never,
    ) => Shape;
    const shape = rule(node.operation, node.inputs, fail);
    if (!sameShape(shape, node.shape)) fail(`its shape should be ${formatShape(shape)}`);
    if (inferType(node.operation, node.inputs, fail) !== node.type) fail(`it cannot be ${node.type}`);
    for (const dimension of node.shape) {
      if (typeof dimension === 'number' && !(Number.isInteger(dimension) && dimension >= 0))
        fail(`${dimension} is no size`);
    }
    if (node.operation.kind === 'input') {
      const same = inputs.get(node.operation.name);
      if (same && !sameShape(same.shape, node.shape))
        fail(`input ${node.operation.name} also has shape ${formatShape(same.shape)}`);
      inputs.set(node.operation.name, node);
    }
    if (node.operation.kind === 'parameter' && node.operation.rows === null) {
      const same = parameters.get(node.operation.name);
      if (same && !sameShape(same, node.shape))
        fail(`parameter ${node.operation.name} also has shape ${formatShape(same)}`);
      parameters.set(node.operation.name, node.shape);
    }
    known.add(node);
  }
  for (const node of nodes) {
    for (const dimension of node.shape) {
      for (const symbol of factors(dimension).symbols) {
        if (!symbols.has(symbol))
          throw new Error(
            `internal: node #${node.id} ${node.operation.kind}: no input tells the size ${symbol}`,
          );
      }
    }
  }
}
