/**
 * The compiled reward model: scores of whole texts, read at their last token, and the loss over pairs with its
 * gradients. The formulas are those of estimators/reward-pair-loss.ts, which is what this file is tested against.
 */
import type { RewardModelSpec } from '../contract/estimator.ts';
import type { Output } from '../graph/compile.ts';
import { Graph } from '../graph/graph.ts';
import type { GraphNode } from '../graph/graph.ts';
import type { ModelConfig } from '../models/config.ts';
import { rewardHeadName } from '../models/expected-tensors.ts';
import { scoreTexts } from '../networks/reward-head.ts';
import type { BatchData } from './batch-layout.ts';
import type { Feeds } from './gradient-engine.ts';
import type { GradientGraph } from './loss-graph.ts';
import { lossInputs, pickedVectors, withGradients } from './loss-graph.ts';
import { softplus } from './preference-graph.ts';

/** What is fed for P pairs among M texts. */
export const rewardPairInputs = {
  /** [P, M]: 1 at the better answer and −1 at the worse one; 1 at both. */
  difference: 'pair-difference',
  sum: 'pair-sum',
  /** [P, 1]. */
  margins: 'pair-margins',
  weights: 'pair-weights',
} as const;

/** Scores [M, 1] of M texts. */
export function buildRewardGraph(config: ModelConfig): { graph: Graph; scores: Output } {
  const graph = new Graph();
  const node = scoreTexts(graph, pickedVectors(graph, config), config.hiddenSize);
  return { graph, scores: { name: 'scores', node } };
}

/** Loss and gradients of all weights, or of the head alone. */
export function buildRewardPairGraph(
  config: ModelConfig,
  spec: RewardModelSpec,
  accumulate: boolean,
): GradientGraph {
  const { graph, scores } = buildRewardGraph(config);
  const loss = rewardPairLossNode(graph, scores.node, spec);
  const isTrained = spec.headOnly ? (name: string) => name === rewardHeadName : undefined;
  return withGradients(graph, loss, [scores], accumulate, isTrained);
}

/** The loss as one number, from scores [M, 1]. */
export function rewardPairLossNode(
  graph: Graph,
  scores: GraphNode,
  { centering }: Pick<RewardModelSpec, 'centering'>,
): GraphNode {
  const column = (name: string): GraphNode => graph.input(name, ['P', 1]);
  const difference = graph.gemm(graph.input(rewardPairInputs.difference, ['P', 'M']), scores);
  const lead = graph.subtract(difference, column(rewardPairInputs.margins));
  const plain = softplus(graph, graph.unary('neg', lead));
  const each = centering === 0 ? plain : graph.addition(plain, graph.scale(square(graph, scores), centering));
  const weighted = graph.multiply(column(rewardPairInputs.weights), each);
  return graph.reshape(graph.reduceSum(weighted, [0, 1]), []);
}

function square(graph: Graph, scores: GraphNode): GraphNode {
  const sum = graph.gemm(graph.input(rewardPairInputs.sum, ['P', 'M']), scores);
  return graph.multiply(sum, sum);
}

/** The inputs of the loss for pairs whose texts lie one after the other, the better one first. */
export function rewardPairFeeds(
  pairs: readonly { readonly margin: number; readonly weight: number }[],
): Feeds {
  const count = pairs.length;
  const difference = new Float32Array(count * 2 * count);
  const sum = new Float32Array(count * 2 * count);
  for (let pair = 0; pair < count; pair++) {
    const place = pair * 2 * count + 2 * pair;
    difference[place] = 1;
    difference[place + 1] = -1;
    sum.fill(1, place, place + 2);
  }
  return {
    [rewardPairInputs.difference]: { data: difference, shape: [count, 2 * count] },
    [rewardPairInputs.sum]: { data: sum, shape: [count, 2 * count] },
    [rewardPairInputs.margins]: { data: Float32Array.from(pairs, ({ margin }) => margin), shape: [count, 1] },
    [rewardPairInputs.weights]: { data: Float32Array.from(pairs, ({ weight }) => weight), shape: [count, 1] },
  };
}

/** The batch with the last token of every sequence picked, instead of the scored ones. */
export function lastTokensOf(batch: BatchData): BatchData {
  const { lastRows, tokens } = batch;
  const inverse = new Int32Array(tokens).fill(lastRows.length);
  lastRows.forEach((row, place) => (inverse[row] = place));
  return {
    ...batch,
    scored: lastRows.length,
    feeds: {
      ...batch.feeds,
      [lossInputs.rows]: { data: lastRows, shape: [lastRows.length] },
      [lossInputs.inverse]: { data: inverse, shape: [tokens] },
    },
  };
}
