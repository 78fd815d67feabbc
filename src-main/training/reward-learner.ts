/** A reward model with its weights: scores texts, and learns from pairs of them. */
import type { RewardModelSpec } from '../contract/estimator.ts';
import { bind, Session } from '../runtime/session.ts';
import type { ParameterStore } from '../runtime/parameter-store.ts';
import { GradientEngine } from './gradient-engine.ts';
import type { GradientEngineOptions, MicroBatch } from './gradient-engine.ts';
import type { LearnerSequence, OptimizerSettings, StepResult } from './learner.ts';
import { buildRewardGraph, buildRewardPairGraph, lastTokensOf, rewardPairFeeds } from './reward-graph.ts';
import { restoreRewardModel, saveRewardModel } from './reward-model-state.ts';

export interface RewardScorer {
  /** The score of each text, in order. How a text is cut into prompt and answer changes nothing but the work. */
  score(texts: readonly LearnerSequence[]): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Two texts of which the first is the better one. */
export interface RewardPairExample {
  readonly chosen: LearnerSequence;
  readonly rejected: LearnerSequence;
  readonly margin: number;
  /** Weight in the sum that is the loss. */
  readonly weight: number;
}

export interface RewardLearner extends RewardScorer {
  /** Adds the gradient of the loss over these pairs to what is accumulated; `scores` are of both texts, pair by pair. */
  accumulate(
    pairs: readonly RewardPairExample[],
    spec: RewardModelSpec,
  ): Promise<{ readonly loss: number; readonly scores: Float32Array }>;
  /** One AdamW update from the accumulated gradient, which is then empty again. */
  step(settings: OptimizerSettings): StepResult;
  /** Writes weights (Hugging Face folder `model/`) and optimizer state below `directory`; the caller makes it atomic. */
  save(directory: string): Promise<void>;
  /** Reads what `save` wrote. */
  restore(directory: string): Promise<void>;
}

export interface RewardLearnerOptions extends GradientEngineOptions {
  /** Folder whose tokenizer files a saved model takes along, and the configuration that it is saved with. */
  readonly sourceFolder: string;
  readonly rawConfig: Readonly<Record<string, unknown>>;
}

/** Compiles a scorer over weights that are only read. `options.config` is that of a reward model. */
export async function createRewardScorer(options: GradientEngineOptions): Promise<RewardScorer> {
  return new CompiledScorer(options, await scoreSession(options));
}

/** Compiles a learner. `options.store` holds the weights that are trained, `options.frozen` the others, where there are such. */
export async function createRewardLearner(options: RewardLearnerOptions): Promise<RewardLearner> {
  return new CompiledRewardLearner(options, await scoreSession(options));
}

function scoreSession({ config, session }: GradientEngineOptions): Promise<Session> {
  const { graph, scores } = buildRewardGraph(config);
  return Session.create(graph, [scores], session);
}

/** Scores do not depend on the temperature at which answers are sampled. */
const noTemperature = 1;

class CompiledScorer implements RewardScorer {
  protected readonly engine: GradientEngine;
  readonly #session: Session;

  constructor(options: GradientEngineOptions, session: Session) {
    this.engine = new GradientEngine(options);
    this.#session = session;
  }

  async score(texts: readonly LearnerSequence[]): Promise<Float32Array> {
    const results = new Float32Array(texts.length);
    for (const { members, batch } of this.engine.microBatches(texts)) {
      const scores = new Float32Array(members.length);
      const outputs = { scores: bind(scores, [members.length, 1]) };
      await this.engine.forward(this.#session, lastTokensOf(batch), noTemperature, outputs);
      members.forEach((member, place) => (results[member] = scores[place] ?? NaN));
    }
    return results;
  }

  async dispose(): Promise<void> {
    await this.engine.dispose();
    await this.#session.dispose();
  }
}

class CompiledRewardLearner extends CompiledScorer implements RewardLearner {
  readonly #options: RewardLearnerOptions;

  constructor(options: RewardLearnerOptions, session: Session) {
    super(options, session);
    this.#options = options;
  }

  async accumulate(
    pairs: readonly RewardPairExample[],
    spec: RewardModelSpec,
  ): Promise<{ loss: number; scores: Float32Array }> {
    const { engine } = this;
    const texts = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
    const results = new Float32Array(texts.length);
    const batches = engine.microBatches(texts, 2);
    const accumulate = engine.begin(batches.length);
    let loss = 0;
    for (const micro of batches) loss += await this.#backward(micro, pairs, spec, accumulate, results);
    engine.finish(batches.length, loss);
    return { loss, scores: results };
  }

  async #backward(
    { members, batch }: MicroBatch,
    pairs: readonly RewardPairExample[],
    spec: RewardModelSpec,
    accumulate: boolean,
    results: Float32Array,
  ): Promise<number> {
    const part = members
      .filter((member) => member % 2 === 0)
      .map((member) => pairs[member / 2])
      .filter((pair) => pair !== undefined);
    const program = await this.engine.program(JSON.stringify({ spec, accumulate }), () =>
      buildRewardPairGraph(this.engine.config, spec, accumulate),
    );
    const loss = new Float32Array(1);
    const scores = new Float32Array(members.length);
    const outputs = { loss: bind(loss, []), scores: bind(scores, [members.length, 1]) };
    const picked = lastTokensOf(batch);
    await this.engine.backward(program, picked, noTemperature, accumulate, rewardPairFeeds(part), outputs);
    members.forEach((member, place) => (results[member] = scores[place] ?? NaN));
    return loss[0] ?? NaN;
  }

  step(settings: OptimizerSettings): StepResult {
    return this.engine.step(settings);
  }

  get #stores(): ParameterStore[] {
    const { frozen, store } = this.#options;
    return frozen ? [frozen, store] : [store];
  }

  async save(directory: string): Promise<void> {
    const { store, sourceFolder, rawConfig } = this.#options;
    const model = { stores: this.#stores, rawConfig, sourceFolder };
    await saveRewardModel(directory, model, store, this.engine.updates);
  }

  async restore(directory: string): Promise<void> {
    this.engine.restored(await restoreRewardModel(directory, this.#stores, this.#options.store));
  }
}
