/** The learner over compiled graphs: one set of weights, sessions for each form of loss, and AdamW. */
import type { KlSpec, PreferenceSpec, SurrogateSpec } from '../contract/estimator.ts';
import { bind, Session } from '../runtime/session.ts';
import type { BoundTensor } from '../runtime/session.ts';
import { GradientEngine } from './gradient-engine.ts';
import type { GradientEngineOptions } from './gradient-engine.ts';
import type {
  LearnerSequence,
  LossResult,
  LossSequence,
  MeasuringLearner,
  OptimizerSettings,
  PreferenceExample,
  StepResult,
  TokenScores,
} from './learner.ts';
import type { LossForm, ScoreGraph } from './loss-graph.ts';
import { buildLossGraph, buildScoreGraph } from './loss-graph.ts';
import { restoreLearner, saveLearner } from './learner-state.ts';
import { buildPreferenceGraph, preferenceFeeds } from './preference-graph.ts';
import { lossFeeds, splitScores } from './sequence-arrays.ts';

export interface CompiledLearnerOptions extends GradientEngineOptions {
  /** Folder whose configuration and tokenizer files a saved model takes along. */
  readonly sourceFolder: string;
  /** Whether the weights have a value head: scores then hold values, and `accumulate` learns them. */
  readonly valueHead?: boolean;
}

/** Compiles what is needed when it is needed. */
export async function createLearner(options: CompiledLearnerOptions): Promise<MeasuringLearner> {
  const graph = buildScoreGraph(options.config, options.valueHead);
  const outputs = [graph.logprobs, graph.entropies, ...(graph.values === null ? [] : [graph.values])];
  return new CompiledLearner(options, graph, await Session.create(graph.graph, outputs, options.session));
}

/** Arrays that receive the numbers of the scored tokens of a micro-batch. */
interface ScoreArrays {
  readonly logprobs: Float32Array;
  readonly entropies: Float32Array;
  readonly values: Float32Array | null;
}

class CompiledLearner implements MeasuringLearner {
  readonly #options: CompiledLearnerOptions;
  readonly #engine: GradientEngine;
  readonly #graph: ScoreGraph;
  readonly #session: Session;

  constructor(options: CompiledLearnerOptions, graph: ScoreGraph, session: Session) {
    this.#options = options;
    this.#engine = new GradientEngine(options);
    this.#graph = graph;
    this.#session = session;
  }

  async score(
    sequences: readonly LearnerSequence[],
    temperature: number,
    which: 'policy' | 'reference' = 'policy',
  ): Promise<TokenScores[]> {
    const results = new Array<TokenScores>(sequences.length);
    for (const { members, batch } of this.#engine.microBatches(sequences)) {
      const { arrays, tensors } = this.#scoreArrays(batch.scored);
      if (batch.scored > 0) await this.#engine.forward(this.#session, batch, temperature, tensors, which);
      splitScores(members, sequences, arrays, results);
    }
    return results;
  }

  #scoreArrays(scored: number): { arrays: ScoreArrays; tensors: Record<string, BoundTensor> } {
    const shape = [scored, 1];
    const arrays = {
      logprobs: new Float32Array(scored),
      entropies: new Float32Array(scored),
      values: this.#graph.values === null ? null : new Float32Array(scored),
    };
    const tensors = {
      logprobs: bind(arrays.logprobs, shape),
      entropies: bind(arrays.entropies, shape),
      ...(arrays.values === null ? {} : { values: bind(arrays.values, shape) }),
    };
    return { arrays, tensors };
  }

  async accumulate(
    sequences: readonly LossSequence[],
    surrogate: SurrogateSpec,
    kl: KlSpec,
    temperature: number,
  ): Promise<LossResult> {
    const results = new Array<TokenScores>(sequences.length);
    const batches = this.#engine.microBatches(sequences).filter(({ batch }) => batch.scored > 0);
    const accumulate = this.#engine.begin(batches.length);
    let loss = 0;
    let valueLoss = 0;
    for (const { members, batch } of batches) {
      const part = members.map((index) => sequences[index]).filter((sequence) => sequence !== undefined);
      const onPolicy = part.every(({ oldLogprobs }) => oldLogprobs === null);
      const critic = part.find(({ valueTargets }) => valueTargets !== undefined)?.valueTargets;
      const form = lossForm(surrogate, kl, onPolicy, accumulate, critic);
      const program = await this.#engine.program(JSON.stringify(form), () =>
        buildLossGraph(this.#options.config, form),
      );
      const { arrays, tensors } = this.#scoreArrays(batch.scored);
      const [ofLoss, ofValues] = [new Float32Array(1), new Float32Array(1)];
      await this.#engine.backward(
        program,
        batch,
        temperature,
        accumulate,
        lossFeeds(part, batch.scored, surrogate, kl.coefficient),
        {
          logprobs: tensors['logprobs']!,
          entropies: tensors['entropies']!,
          loss: bind(ofLoss, []),
          ...(form.critic === undefined
            ? {}
            : { values: tensors['values']!, 'value-loss': bind(ofValues, []) }),
        },
      );
      loss += ofLoss[0] ?? NaN;
      valueLoss += ofValues[0] ?? NaN;
      splitScores(members, sequences, arrays, results);
    }
    this.#engine.finish(batches.length, loss);
    return { loss, valueLoss, scores: sequences.map((_, index) => results[index] ?? noScores()) };
  }

  async accumulatePreference(
    examples: readonly PreferenceExample[],
    spec: PreferenceSpec,
    temperature: number,
  ): Promise<LossResult> {
    const size = spec.loss === 'kto' ? 1 : 2;
    const sequences = examples.flatMap((example) => {
      if (example.sequences.length !== size)
        throw new Error(`internal: ${example.sequences.length} answers in an example of ${size}`);
      return example.sequences;
    });
    const results = new Array<TokenScores>(sequences.length);
    const batches = this.#engine.microBatches(sequences, size).filter(({ batch }) => batch.scored > 0);
    const accumulate = this.#engine.begin(batches.length);
    let loss = 0;
    for (const { members, batch } of batches) {
      const part = members
        .filter((_, place) => place % size === 0)
        .map((index) => examples[index / size])
        .filter((example) => example !== undefined);
      const program = await this.#engine.program(JSON.stringify({ spec, accumulate }), () =>
        buildPreferenceGraph(this.#options.config, spec, accumulate),
      );
      const { arrays, tensors } = this.#scoreArrays(batch.scored);
      const ofLoss = new Float32Array(1);
      await this.#engine.backward(
        program,
        batch,
        temperature,
        accumulate,
        preferenceFeeds(part, batch.scored, spec),
        { logprobs: tensors['logprobs']!, entropies: tensors['entropies']!, loss: bind(ofLoss, []) },
      );
      loss += ofLoss[0] ?? NaN;
      splitScores(members, sequences, arrays, results);
    }
    this.#engine.finish(batches.length, loss);
    return { loss, valueLoss: 0, scores: sequences.map((_, index) => results[index] ?? noScores()) };
  }

  step(settings: OptimizerSettings): StepResult {
    return this.#engine.step(settings);
  }

  discardGradient(): void {
    this.#engine.discard();
  }

  keepReference(): void {
    this.#engine.keepReference();
  }

  async save(directory: string): Promise<void> {
    const { store, sourceFolder } = this.#options;
    await saveLearner(directory, store, sourceFolder, this.#engine.updates);
  }

  async restore(directory: string): Promise<void> {
    this.#engine.restored(await restoreLearner(directory, this.#options.store, this.#options.config));
  }

  async dispose(): Promise<void> {
    await this.#engine.dispose();
    await this.#session.dispose();
  }
}

/** What of the settings decides which graph is needed, and nothing else: settings that are fed are left out. */
function lossForm(
  surrogate: SurrogateSpec,
  kl: KlSpec,
  onPolicy: boolean,
  accumulate: boolean,
  critic: LossForm['critic'],
): LossForm {
  const { kind, ratio, clipLow, clipHigh, dualClip, entropyBonus } = surrogate;
  return {
    surrogate: {
      kind,
      ratio,
      clipLow,
      clipHigh,
      ...(dualClip === undefined ? {} : { dualClip }),
      ...(entropyBonus === undefined ? {} : { entropyBonus }),
    },
    // An adapted coefficient is fed, so that it changes without another graph.
    kl: kl.target === undefined ? kl : { ...kl, target: 1, coefficient: 1 },
    onPolicy,
    accumulate,
    ...(critic === undefined ? {} : { critic: { clip: critic.clip, coefficient: critic.coefficient } }),
  };
}

function noScores(): TokenScores {
  return { logprobs: new Float32Array(0), entropies: new Float32Array(0) };
}
