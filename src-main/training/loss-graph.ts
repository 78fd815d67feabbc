/**
 * The graphs of learning: log-probabilities alone, and the surrogate loss of a batch with its gradients. The formulas of
 * the loss are those of estimators/surrogate.ts, which is what this file is tested against.
 */
import type { CriticSpec, SurrogateSpec } from '../contract/estimator.ts';
import type { KlTerm } from '../estimators/kl-estimate.ts';
import type { Output } from '../graph/compile.ts';
import type { RowGradient } from '../graph/differentiate.ts';
import { differentiate } from '../graph/differentiate.ts';
import { Graph } from '../graph/graph.ts';
import type { GraphNode } from '../graph/graph.ts';
import type { ModelConfig } from '../models/config.ts';
import { expectedTensors } from '../models/expected-tensors.ts';
import { buildNetwork, networkEnds } from '../networks/architectures.ts';
import { scoreTokens } from '../networks/head.ts';
import { TrainingLayers } from '../networks/training-layers.ts';
import { scoreValues } from '../networks/value-head.ts';

/** What is fed for the loss, each [M, 1] with one row for each scored token, except where said. */
export const lossInputs = {
  /** Row of the hidden vector that predicts the token [M] int32, and where each row went [B·T] int32. */
  rows: 'rows',
  inverse: 'rows-inverse',
  /** [M] int32. */
  targets: 'targets',
  /** One number. */
  inverseTemperature: 'inverse-temperature',
  advantages: 'advantages',
  weights: 'weights',
  oldLogprobs: 'old-logprobs',
  referenceLogprobs: 'reference-logprobs',
  /** Matrices between tokens and answers for ratios of whole answers: [S, M] with the weight of each token, [M, S] of 0 and 1. */
  answerWeights: 'answer-weights',
  answerMembers: 'answer-members',
  /** One number, where the weight of the KL term changes from step to step. */
  klCoefficient: 'kl-coefficient',
  /** For the loss of a critic. */
  oldValues: 'old-values',
  returns: 'returns',
  valueWeights: 'value-weights',
} as const;

/** What of a loss decides which graph is needed. */
export interface LossForm {
  readonly surrogate: Pick<
    SurrogateSpec,
    'kind' | 'ratio' | 'clipLow' | 'clipHigh' | 'dualClip' | 'entropyBonus'
  >;
  readonly kl: KlTerm;
  /** Every ratio is 1: the batch was sampled from the present weights. */
  readonly onPolicy: boolean;
  /** Gradients are added to what the arrays hold. */
  readonly accumulate: boolean;
  /** A value head on the policy is learnt too. */
  readonly critic?: Pick<CriticSpec, 'clip' | 'coefficient'>;
}

export interface GradientOutput extends Output {
  readonly parameter: string;
  readonly rows: readonly [number, number] | null;
}

/** Rows to be added to the gradient of a table after the run; `ids` names the fed ids. */
export interface RowsOutput extends Output {
  readonly parameter: string;
  readonly ids: string;
}

/** A graph whose parameters have gradients. */
export interface GradientGraph {
  readonly graph: Graph;
  /** What it computes beside gradients. */
  readonly results: readonly Output[];
  readonly gradients: readonly GradientOutput[];
  readonly rows: readonly RowsOutput[];
}

/** The graph of a surrogate loss. */
export interface LossGraph extends GradientGraph {
  readonly loss: Output;
  readonly logprobs: Output;
  readonly entropies: Output;
}

export interface ScoreGraph {
  readonly graph: Graph;
  readonly logprobs: Output;
  readonly entropies: Output;
  /** Present where the policy has a value head. */
  readonly values: Output | null;
}

const column = ['M', 1] as const;

/** Name of the input that holds the sum so far of a gradient output. */
export function sumInput(gradient: GradientOutput): string {
  return `sum/${gradient.name}`;
}

/** Vectors [M, d] of the scored tokens behind the final norm, by the network of this configuration. */
export function pickedVectors(graph: Graph, config: ModelConfig): GraphNode {
  const shapes = new Map(expectedTensors(config).map(({ name, shape }) => [name, shape]));
  const { hidden, finalNorm } = buildNetwork(new TrainingLayers(graph, config, shapes), config);
  const rows = graph.input(lossInputs.rows, ['M'], 'int32');
  const inverse = graph.input(lossInputs.inverse, ['B*T'], 'int32');
  return finalNorm(graph.pickRows(hidden, rows, inverse));
}

/** Log-probabilities and entropies [M, 1] of the scored tokens; with a value head also values. */
export function buildScoreGraph(config: ModelConfig, valueHead = false): ScoreGraph {
  const graph = new Graph();
  const picked = pickedVectors(graph, config);
  const cooled = graph.multiply(picked, graph.input(lossInputs.inverseTemperature, []));
  const { head } = networkEnds(config);
  const { logprobs, entropies } = scoreTokens(
    graph,
    cooled,
    { name: head, shape: [config.vocabularySize, config.hiddenSize] },
    graph.input(lossInputs.targets, ['M'], 'int32'),
  );
  return {
    graph,
    logprobs: { name: 'logprobs', node: logprobs },
    entropies: { name: 'entropies', node: entropies },
    values: valueHead ? { name: 'values', node: scoreValues(graph, picked, config.hiddenSize) } : null,
  };
}

/** The loss Σ weight · token loss (and of a value head Σ weight · value loss) with the gradients of all weights. */
export function buildLossGraph(config: ModelConfig, form: LossForm): LossGraph {
  const { graph, logprobs, entropies, values } = buildScoreGraph(config, form.critic !== undefined);
  const perToken = lessEntropy(graph, tokenLoss(graph, logprobs.node, form), entropies.node, form);
  const policy = weightedSum(graph, lossInputs.weights, perToken);
  const finished = (loss: GraphNode, results: readonly Output[]): LossGraph => ({
    ...withGradients(graph, loss, [logprobs, entropies, ...results], form.accumulate),
    loss: { name: 'loss', node: loss },
    logprobs,
    entropies,
  });
  if (values === null || form.critic === undefined) return finished(policy, []);
  const ofValues = weightedSum(
    graph,
    lossInputs.valueWeights,
    valueTokenLoss(graph, values.node, form.critic.clip),
  );
  const loss = graph.addition(policy, graph.scale(ofValues, form.critic.coefficient));
  return finished(loss, [values, { name: 'value-loss', node: ofValues }]);
}

/** A graph whose result `loss` is differentiated with respect to every parameter that it reaches, or to those that `isTrained` names. */
export function withGradients(
  graph: Graph,
  loss: GraphNode,
  results: readonly Output[],
  accumulate: boolean,
  isTrained: (name: string) => boolean = () => true,
): GradientGraph {
  const { gradients, rows } = differentiate(
    graph,
    loss,
    ({ operation }) => operation.kind === 'parameter' && isTrained(operation.name),
  );
  const outputs = gradients.map(({ parameter, gradient }): GradientOutput => {
    if (parameter.operation.kind !== 'parameter')
      throw new Error('internal: a gradient of something that is no parameter');
    const { name, rows: range } = parameter.operation;
    const output = {
      name: `gradient/${name}${range ? `[${range[0]}:${range[1]}]` : ''}`,
      node: gradient,
      parameter: name,
      rows: range,
    };
    return accumulate ? { ...output, node: addSoFar(graph, output) } : output;
  });
  return {
    graph,
    results: [{ name: 'loss', node: loss }, ...results],
    gradients: outputs,
    rows: rows.map((row, index) => rowsOutput(row, index)),
  };
}

/** Loss of each value [M, 1] (estimators/value-loss.ts). */
export function valueTokenLoss(graph: Graph, values: GraphNode, clip: number | null): GraphNode {
  const returns = graph.input(lossInputs.returns, column);
  const half = (value: GraphNode): GraphNode => {
    const error = graph.subtract(value, returns);
    return graph.scale(graph.multiply(error, error), 0.5);
  };
  if (clip === null) return half(values);
  const old = graph.input(lossInputs.oldValues, column);
  const bounded = graph.binary(
    'min',
    graph.binary('max', values, graph.subtract(old, graph.scalar(clip))),
    graph.addition(old, graph.scalar(clip)),
  );
  // At a tie the gradient goes to the second input of a maximum: to the plain error, as without a clip.
  return graph.binary('max', half(bounded), half(values));
}

/** Σ weight · x over [M, 1]: one number. */
export function weightedSum(graph: Graph, weights: string, x: GraphNode): GraphNode {
  return sum(graph, graph.multiply(graph.input(weights, column), x));
}

function rowsOutput({ parameter, ids, rows }: RowGradient, index: number): RowsOutput {
  if (parameter.operation.kind !== 'parameter' || ids.operation.kind !== 'input')
    throw new Error('internal: rows of something that is no table');
  return {
    name: `rows/${index}/${parameter.operation.name}`,
    node: rows,
    parameter: parameter.operation.name,
    ids: ids.operation.name,
  };
}

/** The gradient plus the sum so far, inside the matrix product where it is one. */
function addSoFar(graph: Graph, output: GradientOutput): GraphNode {
  const { node } = output;
  const before = graph.input(sumInput(output), node.shape);
  const [a, b, c] = node.inputs;
  return node.operation.kind === 'gemm' && a && b && !c
    ? graph.gemm(a, b, { ...node.operation, c: before })
    : graph.addition(node, before);
}

function sum(graph: Graph, x: GraphNode): GraphNode {
  return graph.reshape(graph.reduceSum(x, [0, 1]), []);
}

/** Loss of each token [M, 1] before weighting, the KL term included. */
export function tokenLoss(graph: Graph, logprobs: GraphNode, form: LossForm): GraphNode {
  const policy = policyLoss(graph, logprobs, form);
  const { kl } = form;
  if (kl.where !== 'loss' || kl.coefficient === 0) return policy;
  const term = klTerm(graph, logprobs, form);
  const weighted =
    kl.target === undefined
      ? graph.scale(term, kl.coefficient)
      : graph.multiply(term, graph.input(lossInputs.klCoefficient, []));
  return graph.addition(policy, weighted);
}

/** Loss of each token less its entropy times the bonus: aggregated alike. Without a bonus the loss as it is. */
export function lessEntropy(
  graph: Graph,
  loss: GraphNode,
  entropies: GraphNode,
  { surrogate: { entropyBonus = 0 } }: LossForm,
): GraphNode {
  return entropyBonus === 0 ? loss : graph.subtract(loss, graph.scale(entropies, entropyBonus));
}

/** The KL term of each token with the derivative that it is to send back (estimators/kl-estimate.ts). */
function klTerm(graph: Graph, logprobs: GraphNode, { kl, onPolicy }: LossForm): GraphNode {
  const difference = graph.subtract(logprobs, graph.input(lossInputs.referenceLogprobs, column));
  const estimate = klEstimate(graph, difference, kl.estimator);
  const ratio = (): GraphNode =>
    graph.unary('exp', graph.subtract(logprobs, oldLogprobs(graph, logprobs, onPolicy)));
  switch (kl.gradient ?? 'estimator') {
    case 'estimator':
      if (kl.estimator === 'k1')
        throw new Error('internal: k1 in the loss has a gradient of zero on average and is refused before');
      return estimate;
    case 'timesRatio':
      return graph.multiply(estimate, ratio());
    case 'k2': {
      const slope =
        kl.ratioCap === undefined
          ? difference
          : graph.multiply(difference, graph.binary('min', ratio(), graph.scalar(kl.ratioCap)));
      // The value of the estimate, and a term of value 0 whose derivative is the slope.
      const zero = graph.subtract(logprobs, graph.detach(logprobs));
      return graph.addition(graph.detach(estimate), graph.multiply(graph.detach(slope), zero));
    }
  }
}

/** Estimate of KL(π‖ref) from Δ = log π − log ref at a sampled token (Schulman 2020). */
function klEstimate(graph: Graph, difference: GraphNode, estimator: KlTerm['estimator']): GraphNode {
  switch (estimator) {
    case 'k1':
      return difference;
    case 'k2':
      return graph.scale(graph.multiply(difference, difference), 0.5);
    case 'k3':
      return graph.addition(
        graph.subtract(graph.unary('exp', graph.unary('neg', difference)), graph.scalar(1)),
        difference,
      );
  }
}

/** Log-probabilities under the policy that answered: the present ones, held constant, for fresh answers. */
function oldLogprobs(graph: Graph, logprobs: GraphNode, onPolicy: boolean): GraphNode {
  return onPolicy ? graph.detach(logprobs) : graph.input(lossInputs.oldLogprobs, column);
}

function policyLoss(graph: Graph, logprobs: GraphNode, { surrogate, onPolicy }: LossForm): GraphNode {
  if (surrogate.kind === 'nll') return graph.unary('neg', logprobs);
  const advantages = graph.input(lossInputs.advantages, column);
  const gain = (factor: GraphNode): GraphNode => graph.unary('neg', graph.multiply(factor, advantages));
  if (surrogate.kind === 'pg') return gain(logprobs);

  const old = oldLogprobs(graph, logprobs, onPolicy);
  const ratio = graph.unary('exp', logRatio(graph, graph.subtract(logprobs, old), surrogate.ratio));
  const clipped = graph.binary(
    'min',
    graph.binary('max', ratio, graph.scalar(1 - surrogate.clipLow)),
    graph.scalar(1 + surrogate.clipHigh),
  );
  if (surrogate.kind === 'cispo') return gain(graph.multiply(graph.detach(clipped), logprobs));

  const loss = graph.binary('max', gain(clipped), gain(ratio));
  if (surrogate.dualClip === undefined) return loss;
  const bounded = graph.binary('min', loss, graph.scale(advantages, -surrogate.dualClip));
  const negative = graph.lessOrEqual(advantages, graph.scalar(0));
  return graph.addition(
    graph.multiply(negative, bounded),
    graph.multiply(graph.subtract(graph.scalar(1), negative), loss),
  );
}

/** The log-ratio that is clipped: of the token, or of its answer (mean or sum, as the fed weights say). */
function logRatio(graph: Graph, difference: GraphNode, ratio: SurrogateSpec['ratio']): GraphNode {
  if (ratio === 'token') return difference;
  const perAnswer = graph.gemm(graph.input(lossInputs.answerWeights, ['S', 'M']), difference);
  return graph.gemm(graph.input(lossInputs.answerMembers, ['M', 'S']), perAnswer);
}
