/** Reverse-mode differentiation ahead of time: adds the backward pass of a scalar loss to its graph. */
import type { Graph, GraphNode } from './graph.ts';
import type { Backward } from './gradient-rules.ts';
import { gradientRules, sumTo } from './gradient-rules.ts';
import type { Operation } from './operation.ts';

export interface ParameterGradient {
  readonly parameter: GraphNode;
  readonly gradient: GraphNode;
}

/** Rows [n, d] to be added to the gradient of a table at ids [n]. */
export interface RowGradient {
  readonly parameter: GraphNode;
  readonly ids: GraphNode;
  readonly rows: GraphNode;
}

export interface Derivative {
  readonly gradients: readonly ParameterGradient[];
  readonly rows: readonly RowGradient[];
}

/**
 * Gradients of a scalar `loss` (shape []) with respect to every node that `isWanted` names among its leaves
 * (parameters, and inputs in tests). Throws when the loss reaches one through an operation without a gradient.
 */
export function differentiate(
  graph: Graph,
  loss: GraphNode,
  isWanted: (leaf: GraphNode) => boolean,
): Derivative {
  const forward = graph.nodes.slice(0, loss.id + 1);
  const firstBackward = graph.nodes.length;
  const reaches = new Set<GraphNode>();
  for (const node of forward) {
    const isLeaf = node.operation.kind === 'parameter' || node.operation.kind === 'input';
    if (
      isLeaf
        ? isWanted(node)
        : node.operation.kind !== 'detach' && node.inputs.some((input) => reaches.has(input))
    ) {
      reaches.add(node);
    }
  }

  const gradients = new Map<GraphNode, GraphNode>();
  const rows: RowGradient[] = [];
  if (loss.shape.length > 0) throw new Error('internal: only a scalar of shape [] can be differentiated');
  if (reaches.has(loss)) gradients.set(loss, graph.scalar(1));

  for (const node of forward.toReversed()) {
    const gradient = gradients.get(node);
    if (!gradient) continue;
    const rule = gradientRules[node.operation.kind] as
      ((backward: BackwardOfAny) => void) | { refused: string };
    if (typeof rule !== 'function')
      throw new Error(`internal: no gradient through ${node.operation.kind}: ${rule.refused}`);
    const wants = (index: number): boolean => {
      const input = node.inputs[index];
      return input !== undefined && reaches.has(input);
    };
    rule({
      graph,
      operation: node.operation,
      inputs: node.inputs,
      output: node,
      gradient,
      wants,
      give(index, contribution) {
        const input = node.inputs[index];
        if (!input || !reaches.has(input)) return;
        const fitted = sumTo(graph, contribution, input.shape);
        const sum = gradients.get(input);
        gradients.set(input, sum ? addUp(graph, sum, fitted, firstBackward) : fitted);
      },
      giveRows(index, ids, values) {
        const parameter = node.inputs[index];
        if (parameter && reaches.has(parameter)) rows.push({ parameter, ids, rows: values });
      },
    });
  }
  return {
    gradients: [...gradients]
      .filter(([leaf]) => leaf.inputs.length === 0 && isWanted(leaf))
      .map(([parameter, gradient]) => ({ parameter, gradient })),
    rows,
  };
}

/** The rule table is exact for each kind; the walk over all nodes only knows that kind and operation agree. */
type BackwardOfAny = Omit<Backward<'neg'>, 'operation'> & { readonly operation: Operation };

/** a + b, inside a matrix product where one of them is the product of this backward pass that has no summand yet. */
function addUp(graph: Graph, a: GraphNode, b: GraphNode, firstBackward: number): GraphNode {
  for (const [product, other] of [
    [b, a],
    [a, b],
  ] as const) {
    const [left, right, c] = product.inputs;
    if (product.operation.kind === 'gemm' && product.id >= firstBackward && left && right && !c) {
      return graph.gemm(left, right, { ...product.operation, c: other });
    }
  }
  return graph.addition(a, b);
}
