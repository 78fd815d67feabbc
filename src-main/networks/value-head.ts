/** The head of a critic: one number for each hidden vector, v = w · h + b. */
import type { Graph, GraphNode } from '../graph/graph.ts';
import type { NamedShape } from './parameter-groups.ts';

const weightName = 'value_head.weight';
const biasName = 'value_head.bias';

/** Shapes of its tensors. They start at 0, so that a new critic says 0 everywhere. */
export function valueHeadTensors(hiddenSize: number): NamedShape[] {
  return [
    { name: weightName, shape: [1, hiddenSize] },
    { name: biasName, shape: [1] },
  ];
}

/** Whether a tensor belongs to a value head, which is no part of a model in the Hugging Face format. */
export function isValueHeadTensor(name: string): boolean {
  return name === weightName || name === biasName;
}

/** Values [M, 1] of hidden vectors [M, d] behind the final norm. */
export function scoreValues(graph: Graph, hidden: GraphNode, hiddenSize: number): GraphNode {
  return graph.gemm(hidden, graph.parameter(weightName, [1, hiddenSize]), {
    transposeB: true,
    c: graph.parameter(biasName, [1]),
  });
}
