/**
 * Log-probability and entropy of chosen tokens from hidden vectors. A large vocabulary is cut into slices: the softmax
 * of each slice is kept for the backward pass, logits never are, and nothing holds tokens × vocabulary more than once.
 */
import type { Graph, GraphNode } from '../graph/graph.ts';

/** Vocabularies beyond this are cut into slices of this many rows. */
const sliceRows = 4096;
const largestWhole = 8192;

export interface HeadResult {
  /** [M, 1] each. */
  readonly logprobs: GraphNode;
  readonly entropies: GraphNode;
}

/** Row ranges that a vocabulary is cut into; a single null for the whole. */
export function vocabularySlices(size: number): readonly (readonly [number, number] | null)[] {
  if (size <= largestWhole) return [null];
  return Array.from(
    { length: Math.ceil(size / sliceRows) },
    (_, index) => [index * sliceRows, Math.min(size, (index + 1) * sliceRows)] as const,
  );
}

/**
 * @param hidden [M, d], already divided by the temperature
 * @param head name and shape [V, d] of the matrix
 * @param targets [M] int32
 * @param ranges rows of the vocabulary that are scored together; the result depends on them in rounding only
 */
export function scoreTokens(
  graph: Graph,
  hidden: GraphNode,
  head: { name: string; shape: readonly [number, number] },
  targets: GraphNode,
  ranges: readonly (readonly [number, number] | null)[] = vocabularySlices(head.shape[0]),
): HeadResult {
  const [size, width] = head.shape;
  const slices = ranges.map((rows) => {
    const matrix = graph.parameter(head.name, rows ? [rows[1] - rows[0], width] : [size, width], rows);
    const logits = graph.gemm(hidden, matrix, { transposeB: true });
    const probabilities = graph.softmax(logits);
    // log Σ exp z = max z − log max softmax(z): exact enough, and no exponential of the logits is needed again.
    const logSum = graph.subtract(
      graph.reduceMax(logits),
      graph.unary('log', graph.reduceMax(probabilities)),
    );
    return { matrix, probabilities, logSum };
  });
  const logSum = logSumOf(
    graph,
    slices.map((slice) => slice.logSum),
  );
  const shared = slices.map((slice) => ({
    ...slice,
    share: graph.unary('exp', graph.subtract(slice.logSum, logSum)),
  }));

  const targetRows = graph.embed(graph.parameter(head.name, [size, width]), targets);
  const logprobs = graph.add({ kind: 'logProbability', slices: slices.length }, [
    hidden,
    targetRows,
    targets,
    logSum,
    ...shared.flatMap(({ matrix, probabilities, share }) => [matrix, probabilities, share]),
  ]);

  // Entropy = lse − Σ p z, and Σ p z = h · Σ p E: the product P·E is the one that the backward pass needs anyway.
  let expected: GraphNode | undefined;
  for (const { matrix, probabilities, share } of shared) {
    const part = graph.gemm(probabilities, matrix);
    const weighted = slices.length === 1 ? part : graph.multiply(share, part);
    expected = expected ? graph.addition(expected, weighted) : weighted;
  }
  if (!expected) throw new Error('internal: an empty vocabulary');
  const entropies = graph.add({ kind: 'entropy', slices: slices.length }, [
    hidden,
    expected,
    logSum,
    ...shared.flatMap(({ matrix, probabilities, share, logSum: own }) => [matrix, probabilities, share, own]),
  ]);
  return { logprobs, entropies };
}

/** Log of the sum of exponentials of [M, 1] columns. */
function logSumOf(graph: Graph, columns: readonly GraphNode[]): GraphNode {
  const [only] = columns;
  if (columns.length === 1 && only) return only;
  const table = graph.concat(columns, 1);
  const largest = graph.reduceMax(table);
  const sum = graph.reduceSum(graph.unary('exp', graph.subtract(table, largest)), [1]);
  return graph.addition(largest, graph.unary('log', sum));
}
