/**
 * The compiled loss over preferences. Scores of answers are matrix products between the log-probabilities of tokens and
 * a fed matrix of answers; the formulas are those of estimators/preference-loss.ts, which is what this file is tested
 * against.
 */
import type { PreferenceSpec } from '../contract/estimator.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import type { ModelConfig } from '../models/config.ts';
import type { Feeds } from './gradient-engine.ts';
import type { PreferenceExample } from './learner.ts';
import type { GradientGraph } from './loss-graph.ts';
import { buildScoreGraph, lossInputs, weightedSum, withGradients } from './loss-graph.ts';

/** What is fed: one row for each of P examples; M scored tokens. */
export const preferenceInputs = {
  /** [P, M]: for each token of the first (chosen, or judged) and of the second (rejected) answer its weight in the score. */
  chosen: 'chosen-tokens',
  rejected: 'rejected-tokens',
  /** Scores under the reference [P, 1]. */
  chosenReference: 'chosen-reference',
  rejectedReference: 'rejected-reference',
  /** Weight of each example in the loss [P, 1]. */
  weights: 'example-weights',
  /** KTO: 1 for good, −1 for bad answers, and the estimate of the KL, [P, 1]. */
  signs: 'example-signs',
  kl: 'kl-estimate',
} as const;

const row = ['P', 1] as const;

/** 1 − p is kept above this, so that the odds of a probability of 1 stay finite in single precision. */
const smallestRest = 1e-6;

/** Loss and gradients of all weights. */
export function buildPreferenceGraph(
  config: ModelConfig,
  spec: PreferenceSpec,
  accumulate: boolean,
): GradientGraph {
  const { graph, logprobs, entropies } = buildScoreGraph(config);
  return withGradients(
    graph,
    preferenceLossNode(graph, logprobs.node, spec),
    [logprobs, entropies],
    accumulate,
  );
}

/** The loss as one number, from the log-probabilities [M, 1] of the scored tokens. */
export function preferenceLossNode(graph: Graph, logprobs: GraphNode, spec: PreferenceSpec): GraphNode {
  const score = (tokens: string, reference: string): GraphNode => {
    const sum = graph.gemm(graph.input(tokens, ['P', 'M']), logprobs);
    return spec.reference ? graph.subtract(sum, graph.input(reference, row)) : sum;
  };
  const chosen = score(preferenceInputs.chosen, preferenceInputs.chosenReference);
  const each =
    spec.loss === 'kto'
      ? judgedLossNode(graph, chosen, spec)
      : pairLossNode(
          graph,
          chosen,
          score(preferenceInputs.rejected, preferenceInputs.rejectedReference),
          spec,
        );
  const weighted = graph.multiply(graph.input(preferenceInputs.weights, row), each);
  const loss = graph.reshape(graph.reduceSum(weighted, [0, 1]), []);
  return spec.likelihood > 0 ? graph.subtract(loss, weightedSum(graph, lossInputs.weights, logprobs)) : loss;
}

function judgedLossNode(graph: Graph, score: GraphNode, { beta }: PreferenceSpec): GraphNode {
  const ahead = graph.subtract(score, graph.input(preferenceInputs.kl, row));
  const lead = graph.multiply(graph.input(preferenceInputs.signs, row), graph.scale(ahead, beta));
  return graph.unary('sigmoid', graph.unary('neg', lead));
}

function pairLossNode(graph: Graph, chosen: GraphNode, rejected: GraphNode, spec: PreferenceSpec): GraphNode {
  const { beta, labelSmoothing: smoothing } = spec;
  const difference = graph.subtract(chosen, rejected);
  switch (spec.loss) {
    case 'sigmoid':
    case 'robust':
    case 'simpo': {
      const scaled = graph.scale(difference, beta);
      const lead = spec.loss === 'simpo' ? graph.subtract(scaled, graph.scalar(spec.margin)) : scaled;
      const plain = softplus(graph, graph.unary('neg', lead));
      if (smoothing === 0) return plain;
      const divisor = spec.loss === 'robust' ? 1 - 2 * smoothing : 1;
      const sign = spec.loss === 'robust' ? -1 : 1;
      return graph.addition(
        graph.scale(plain, (1 - smoothing) / divisor),
        graph.scale(softplus(graph, lead), (sign * smoothing) / divisor),
      );
    }
    case 'ipo': {
      const error = graph.subtract(difference, graph.scalar(1 / (2 * beta)));
      return graph.multiply(error, error);
    }
    case 'orpo': {
      const odds = graph.subtract(
        difference,
        graph.subtract(logRest(graph, chosen), logRest(graph, rejected)),
      );
      return graph.scale(softplus(graph, graph.unary('neg', odds)), beta);
    }
    case 'kto':
      throw new Error('internal: KTO is a loss of single answers');
  }
}

/** log(1 − p) of a probability given by its logarithm. */
function logRest(graph: Graph, logProbability: GraphNode): GraphNode {
  const rest = graph.subtract(graph.scalar(1), graph.unary('exp', logProbability));
  return graph.unary('log', graph.binary('max', graph.scalar(smallestRest), rest));
}

/** log(1 + eˣ) without overflow: max(x, 0) + log(1 + e^(−|x|)). */
export function softplus(graph: Graph, x: GraphNode): GraphNode {
  const size = graph.binary('max', x, graph.unary('neg', x));
  const rest = graph.unary(
    'log',
    graph.addition(graph.scalar(1), graph.unary('exp', graph.unary('neg', size))),
  );
  return graph.addition(graph.binary('max', x, graph.scalar(0)), rest);
}

/** The inputs of the loss for these examples, whose answers lie one after the other among the scored tokens. */
export function preferenceFeeds(
  examples: readonly PreferenceExample[],
  scored: number,
  spec: PreferenceSpec,
): Feeds {
  const count = examples.length;
  const tables = [new Float32Array(count * scored), new Float32Array(count * scored)] as const;
  const references = [new Float32Array(count), new Float32Array(count)] as const;
  const likelihood = new Float32Array(scored);
  let token = 0;
  examples.forEach(({ sequences, referenceScores, likelihoodWeight }, index) => {
    sequences.forEach(({ answerIds }, place) => {
      const length = answerIds.length;
      const start = index * scored + token;
      (tables[place] ?? tables[1]).fill(spec.average ? 1 / length : 1, start, start + length);
      (references[place] ?? references[1])[index] = referenceScores[place] ?? 0;
      if (place === 0) likelihood.fill(likelihoodWeight, token, token + length);
      token += length;
    });
  });
  const column = (data: Float32Array) => ({ data, shape: [count, 1] });
  return {
    [preferenceInputs.chosen]: { data: tables[0], shape: [count, scored] },
    [preferenceInputs.rejected]: { data: tables[1], shape: [count, scored] },
    [preferenceInputs.chosenReference]: column(references[0]),
    [preferenceInputs.rejectedReference]: column(references[1]),
    [preferenceInputs.weights]: column(Float32Array.from(examples, ({ weight }) => weight)),
    [preferenceInputs.signs]: column(Float32Array.from(examples, ({ desirable }) => (desirable ? 1 : -1))),
    [preferenceInputs.kl]: column(Float32Array.from(examples, ({ kl }) => kl)),
    [lossInputs.weights]: { data: likelihood, shape: [scored, 1] },
  };
}
