/** The head of a reward model: one number for each hidden vector behind the final norm, r = w · h, without a bias. */
import type { Graph, GraphNode } from '../graph/graph.ts';
import { rewardHeadName } from '../models/expected-tensors.ts';

/** Scores [M, 1] of hidden vectors [M, d] behind the final norm. */
export function scoreTexts(graph: Graph, hidden: GraphNode, hiddenSize: number): GraphNode {
  return graph.gemm(hidden, graph.parameter(rewardHeadName, [1, hiddenSize]), { transposeB: true });
}
