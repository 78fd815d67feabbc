/** A critic of its own: the network of the policy with one number instead of a vocabulary, its weights and AdamW. */
import { Graph } from '../graph/graph.ts';
import type { ModelConfig } from '../models/config.ts';
import { scoreValues } from '../networks/value-head.ts';
import { bind, Session } from '../runtime/session.ts';
import type { Critic, ValueSequence } from './critic.ts';
import { restoreCritic, saveCritic } from './critic-state.ts';
import { GradientEngine } from './gradient-engine.ts';
import type { GradientEngineOptions, MicroBatch } from './gradient-engine.ts';
import type { LearnerSequence, OptimizerSettings, StepResult } from './learner.ts';
import type { GradientGraph } from './loss-graph.ts';
import { lossInputs, pickedVectors, valueTokenLoss, weightedSum, withGradients } from './loss-graph.ts';
import { splitColumn, valueFeeds } from './sequence-arrays.ts';

/** Compiles what is needed when it is needed. `options.store` holds the weights of network and value head. */
export async function createCritic(options: GradientEngineOptions): Promise<Critic> {
  const { graph, values } = valueGraph(options.config);
  return new CompiledCritic(
    options,
    await Session.create(graph, [{ name: 'values', node: values }], options.session),
  );
}

function valueGraph(config: ModelConfig) {
  const graph = new Graph();
  return { graph, values: scoreValues(graph, pickedVectors(graph, config), config.hiddenSize) };
}

/** Loss and gradients of a value network. */
export function buildValueGraph(
  config: ModelConfig,
  clip: number | null,
  coefficient: number,
  accumulate: boolean,
): GradientGraph {
  const { graph, values } = valueGraph(config);
  const loss = graph.scale(
    weightedSum(graph, lossInputs.valueWeights, valueTokenLoss(graph, values, clip)),
    coefficient,
  );
  return withGradients(graph, loss, [{ name: 'values', node: values }], accumulate);
}

/** Values do not depend on the temperature at which answers are sampled. */
const noTemperature = 1;

class CompiledCritic implements Critic {
  readonly #engine: GradientEngine;
  readonly #session: Session;

  constructor(options: GradientEngineOptions, session: Session) {
    this.#engine = new GradientEngine(options);
    this.#session = session;
  }

  async values(sequences: readonly LearnerSequence[]): Promise<Float32Array[]> {
    const results = sequences.map(() => new Float32Array(0));
    for (const { members, batch } of this.#engine.microBatches(sequences)) {
      const values = new Float32Array(batch.scored);
      const outputs = { values: bind(values, [batch.scored, 1]) };
      if (batch.scored > 0) await this.#engine.forward(this.#session, batch, noTemperature, outputs);
      splitColumn(members, sequences, values, results);
    }
    return results;
  }

  async accumulate(
    sequences: readonly ValueSequence[],
  ): Promise<{ loss: number; values: readonly Float32Array[] }> {
    const results = sequences.map(() => new Float32Array(0));
    const batches = this.#engine.microBatches(sequences).filter(({ batch }) => batch.scored > 0);
    const accumulate = this.#engine.begin(batches.length);
    let loss = 0;
    for (const micro of batches) loss += await this.#backward(micro, sequences, accumulate, results);
    this.#engine.finish(batches.length, loss);
    return { loss, values: results };
  }

  async #backward(
    { members, batch }: MicroBatch,
    sequences: readonly ValueSequence[],
    accumulate: boolean,
    results: Float32Array[],
  ): Promise<number> {
    const part = members.map((index) => sequences[index]).filter((sequence) => sequence !== undefined);
    const { clip, coefficient } = part[0]?.valueTargets ?? { clip: null, coefficient: 1 };
    const program = await this.#engine.program(JSON.stringify({ clip, coefficient, accumulate }), () =>
      buildValueGraph(this.#engine.config, clip, coefficient, accumulate),
    );
    const loss = new Float32Array(1);
    const values = new Float32Array(batch.scored);
    await this.#engine.backward(program, batch, noTemperature, accumulate, valueFeeds(part, batch.scored), {
      loss: bind(loss, []),
      values: bind(values, [batch.scored, 1]),
    });
    splitColumn(members, sequences, values, results);
    return loss[0] ?? NaN;
  }

  step(settings: OptimizerSettings): StepResult {
    return this.#engine.step(settings);
  }

  async save(directory: string): Promise<void> {
    await saveCritic(directory, this.#engine.store, this.#engine.updates);
  }

  async restore(directory: string): Promise<void> {
    this.#engine.restored(await restoreCritic(directory, this.#engine.store));
  }

  async dispose(): Promise<void> {
    await this.#engine.dispose();
    await this.#session.dispose();
  }
}
