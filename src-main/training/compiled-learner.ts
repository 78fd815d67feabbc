/** The learner over compiled graphs: one set of weights, sessions for each form of loss, and AdamW. */
import type { KlSpec, SurrogateSpec } from '../contract/estimator.ts';
import type { Output } from '../graph/compile.ts';
import type { ModelConfig } from '../models/config.ts';
import { batchInputs } from '../networks/training-layers.ts';
import type { ParameterStore } from '../runtime/parameter-store.ts';
import { ropeTables } from '../runtime/rope-tables.ts';
import type { BoundTensor, SessionChoices } from '../runtime/session.ts';
import { bind, Session } from '../runtime/session.ts';
import type { BatchData } from './batch-layout.ts';
import { fillBatch, packSequences, sequenceLength, splitMicroBatches } from './batch-layout.ts';
import type {
  LearnerSequence,
  LossResult,
  LossSequence,
  MeasuringLearner,
  OptimizerSettings,
  StepResult,
  TokenScores,
} from './learner.ts';
import type { GradientOutput, LossForm, LossGraph } from './loss-graph.ts';
import { buildLossGraph, buildScoreGraph, lossInputs, sumInput } from './loss-graph.ts';
import { restoreLearner, saveLearner } from './learner-state.ts';
import { addRows, lossFeeds, splitScores } from './sequence-arrays.ts';

export interface CompiledLearnerOptions {
  readonly config: ModelConfig;
  readonly store: ParameterStore;
  /** Most tokens (padding included) in one forward and backward pass. */
  readonly microBatchTokens: number;
  /** Folder whose configuration and tokenizer files a saved model takes along. */
  readonly sourceFolder: string;
  readonly session?: SessionChoices;
}

interface LossProgram extends LossGraph {
  readonly session: Session;
  readonly gradientTensors: ReadonlyMap<GradientOutput, BoundTensor>;
}

/** Compiles what is needed when it is needed. */
export async function createLearner(options: CompiledLearnerOptions): Promise<MeasuringLearner> {
  const graph = buildScoreGraph(options.config);
  return new CompiledLearner(
    options,
    graph,
    await Session.create(graph.graph, [graph.logprobs, graph.entropies], options.session),
  );
}

class CompiledLearner implements MeasuringLearner {
  readonly #options: CompiledLearnerOptions;
  readonly #score: { logprobs: Output; entropies: Output; session: Session };
  readonly #programs = new Map<string, Promise<LossProgram>>();
  readonly #windows: readonly (number | null)[];
  readonly #parameters = new Map<string, BoundTensor>();
  readonly #buffers = new Map<string, Float32Array>();
  #tables: { cos: BoundTensor; sin: BoundTensor; length: number } | undefined;
  #reference: { weights: Float32Array; tensors: Map<string, BoundTensor> } | undefined;
  /** Whether the gradient arrays hold nothing yet. */
  #empty = true;
  #finite = true;
  #updates = 0;

  constructor(
    options: CompiledLearnerOptions,
    graph: { logprobs: Output; entropies: Output },
    session: Session,
  ) {
    this.#options = options;
    this.#score = { ...graph, session };
    this.#windows = [...new Set(options.config.slidingWindow)];
  }

  async score(
    sequences: readonly LearnerSequence[],
    temperature: number,
    which: 'policy' | 'reference' = 'policy',
  ): Promise<TokenScores[]> {
    const results = new Array<TokenScores>(sequences.length);
    for (const { members, batch } of this.#microBatches(sequences)) {
      const { logprobs, entropies } = await this.#forward(batch, temperature, which);
      splitScores(members, sequences, logprobs, entropies, results);
    }
    return results;
  }

  async #forward(
    batch: BatchData,
    temperature: number,
    which: 'policy' | 'reference',
  ): Promise<{ logprobs: Float32Array; entropies: Float32Array }> {
    const logprobs = new Float32Array(batch.scored);
    const entropies = new Float32Array(batch.scored);
    if (batch.scored === 0) return { logprobs, entropies };
    const { session } = this.#score;
    await session.run(this.#feeds(session, batch, temperature, which), {
      logprobs: bind(logprobs, [batch.scored, 1]),
      entropies: bind(entropies, [batch.scored, 1]),
    });
    return { logprobs, entropies };
  }

  async accumulate(
    sequences: readonly LossSequence[],
    surrogate: SurrogateSpec,
    kl: KlSpec,
    temperature: number,
  ): Promise<LossResult> {
    const results = new Array<TokenScores>(sequences.length);
    const batches = this.#microBatches(sequences).filter(({ batch }) => batch.scored > 0);
    const accumulate = !this.#empty || batches.length > 1;
    if (accumulate && this.#empty) this.#options.store.clearGradients();
    let loss = 0;
    for (const { members, batch } of batches) {
      const part = members.map((index) => sequences[index]).filter((sequence) => sequence !== undefined);
      const program = await this.#program({
        surrogate,
        kl,
        accumulate,
        onPolicy: part.every(({ oldLogprobs }) => oldLogprobs === null),
      });
      const scored = await this.#backward(program, part, batch, surrogate, temperature, accumulate);
      loss += scored.loss;
      splitScores(members, sequences, scored.logprobs, scored.entropies, results);
    }
    if (batches.length > 0) this.#empty = false;
    if (!Number.isFinite(loss)) this.#finite = false;
    return {
      loss,
      scores: sequences.map(
        (_, index) => results[index] ?? { logprobs: new Float32Array(0), entropies: new Float32Array(0) },
      ),
    };
  }

  async #backward(
    program: LossProgram,
    sequences: readonly LossSequence[],
    batch: BatchData,
    surrogate: SurrogateSpec,
    temperature: number,
    accumulate: boolean,
  ): Promise<{ loss: number; logprobs: Float32Array; entropies: Float32Array }> {
    const { session } = program;
    const { store } = this.#options;
    const loss = new Float32Array(1);
    const logprobs = new Float32Array(batch.scored);
    const entropies = new Float32Array(batch.scored);
    const feeds = this.#feeds(session, batch, temperature, 'policy');
    for (const [name, { data, shape }] of Object.entries(lossFeeds(sequences, batch.scored, surrogate))) {
      if (session.compiled.inputs.some((input) => input.name === name)) feeds[name] = bind(data, shape);
    }
    const results: Record<string, BoundTensor> = {
      loss: bind(loss, []),
      logprobs: bind(logprobs, [batch.scored, 1]),
      entropies: bind(entropies, [batch.scored, 1]),
    };
    for (const [gradient, tensor] of program.gradientTensors) {
      results[gradient.name] = tensor;
      if (accumulate) feeds[sumInput(gradient)] = tensor;
    }
    const width = this.#options.config.hiddenSize;
    const rows = program.rows.map((output) => {
      const ids = batch.feeds[output.ids]?.data;
      if (!(ids instanceof Int32Array)) throw new Error(`internal: no ids ${output.ids}`);
      const data = this.#buffer(output.name, ids.length * width);
      results[output.name] = bind(data, [ids.length, width]);
      return { parameter: output.parameter, ids, data };
    });
    await session.run(feeds, results);

    if (!accumulate) this.#clearTables(program);
    for (const { parameter, ids, data } of rows) addRows(store.gradient(parameter), ids, data, width);
    return { loss: loss[0] ?? NaN, logprobs, entropies };
  }

  /** Tables that only get rows hold the sums of the step before: empty them. */
  #clearTables(program: LossProgram): void {
    const dense = new Set(program.gradients.map(({ parameter }) => parameter));
    for (const parameter of new Set(program.rows.map((row) => row.parameter))) {
      if (!dense.has(parameter)) this.#options.store.gradient(parameter).fill(0);
    }
  }

  step({ learningRate, beta1, beta2, eps, weightDecay, clipNorm }: OptimizerSettings): StepResult {
    const { store } = this.#options;
    if (this.#empty) store.clearGradients();
    const gradientNorm = store.gradientNorm();
    const applied = this.#finite && Number.isFinite(gradientNorm);
    if (applied) {
      this.#updates++;
      const gradientScale =
        clipNorm !== null && gradientNorm > clipNorm ? clipNorm / (gradientNorm + 1e-6) : 1;
      store.update({ step: this.#updates, learningRate, beta1, beta2, eps, weightDecay, gradientScale });
    }
    this.#empty = true;
    this.#finite = true;
    return { gradientNorm, applied };
  }

  discardGradient(): void {
    this.#empty = true;
    this.#finite = true;
  }

  keepReference(): void {
    this.#reference = { weights: this.#options.store.copyWeights(), tensors: new Map() };
  }

  async save(directory: string): Promise<void> {
    await saveLearner(directory, this.#options.store, this.#options.sourceFolder, this.#updates);
  }

  async restore(directory: string): Promise<void> {
    this.#updates = await restoreLearner(directory, this.#options.store, this.#options.config);
    this.#empty = true;
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await (await program).session.dispose();
    await this.#score.session.dispose();
  }

  #microBatches(sequences: readonly LearnerSequence[]): { members: number[]; batch: BatchData }[] {
    const lengths = sequences.map(sequenceLength);
    return splitMicroBatches(lengths, this.#options.microBatchTokens).map((members) => {
      const part = members.map((index) => sequences[index]).filter((sequence) => sequence !== undefined);
      return {
        members,
        batch: fillBatch(
          part,
          packSequences(part.map(sequenceLength), attentionWidth(this.#options.config)),
          this.#windows,
        ),
      };
    });
  }

  #program(form: LossForm): Promise<LossProgram> {
    const { kind, ratio, clipLow, clipHigh, dualClip } = form.surrogate;
    const surrogate = { kind, ratio, clipLow, clipHigh, ...(dualClip === undefined ? {} : { dualClip }) };
    const key = JSON.stringify({ ...form, surrogate });
    const known = this.#programs.get(key);
    if (known) return known;
    const made = this.#compile({ ...form, surrogate });
    this.#programs.set(key, made);
    return made;
  }

  async #compile(form: LossForm): Promise<LossProgram> {
    const { store } = this.#options;
    const built = buildLossGraph(this.#options.config, form);
    const results = [built.loss, built.logprobs, built.entropies, ...built.gradients, ...built.rows];
    const session = await Session.create(built.graph, results, this.#options.session);
    const gradientTensors = new Map(
      built.gradients.map((output) => {
        const shape = output.node.shape.map(Number);
        return [output, bind(store.gradient(output.parameter, output.rows), shape)] as const;
      }),
    );
    return { ...built, session, gradientTensors };
  }

  #feeds(
    session: Session,
    batch: BatchData,
    temperature: number,
    which: 'policy' | 'reference',
  ): Record<string, BoundTensor> {
    const feeds: Record<string, BoundTensor> = {};
    const width = batch.feeds[batchInputs.positions]?.shape[1] ?? 0;
    for (const { name } of session.compiled.inputs) {
      const known = batch.feeds[name];
      if (known) feeds[name] = bind(known.data, known.shape);
      else if (name === batchInputs.cos || name === batchInputs.sin)
        feeds[name] = this.#rope(width)[name === batchInputs.cos ? 'cos' : 'sin'];
      else if (name === lossInputs.inverseTemperature)
        feeds[name] = bind(Float32Array.of(1 / temperature), []);
    }
    for (const { name, parameters, rows, shape } of session.compiled.parameters) {
      feeds[name] = this.#parameter(name, parameters[0] ?? '', rows, shape.map(Number), which);
    }
    return feeds;
  }

  #parameter(
    key: string,
    name: string,
    rows: readonly [number, number] | null,
    shape: readonly number[],
    which: 'policy' | 'reference',
  ): BoundTensor {
    const { store } = this.#options;
    if (which === 'reference' && !this.#reference) throw new Error('internal: no reference policy was kept');
    const known = which === 'reference' ? this.#reference?.tensors : this.#parameters;
    const found = known?.get(key);
    if (found) return found;
    const data =
      which === 'reference' && this.#reference
        ? store.inCopy(this.#reference.weights, name, rows)
        : store.weights(name, rows);
    const tensor = bind(data, shape);
    known?.set(key, tensor);
    return tensor;
  }

  #rope(width: number): { cos: BoundTensor; sin: BoundTensor } {
    if (!this.#tables || this.#tables.length < width) {
      const { rope } = this.#options.config;
      if (!rope) throw new Error('internal: rotary tables of a model without them');
      const tables = ropeTables(rope, Math.max(256, 2 ** Math.ceil(Math.log2(width))));
      const shape = [tables.length, tables.half];
      this.#tables = { cos: bind(tables.cos, shape), sin: bind(tables.sin, shape), length: tables.length };
    }
    return this.#tables;
  }

  /** An array of this length that is used again in the next run. */
  #buffer(name: string, length: number): Float32Array {
    let buffer = this.#buffers.get(name);
    if (!buffer || buffer.length < length) this.#buffers.set(name, (buffer = new Float32Array(length)));
    return buffer.subarray(0, length);
  }
}

/** Width of a row at which attention takes as many multiplications as the linear layers: their ratio for one token. */
function attentionWidth({
  hiddenSize,
  headCount,
  keyValueHeadCount,
  headSize,
  intermediateSize,
}: ModelConfig): number {
  const linear = hiddenSize * (2 * (headCount + keyValueHeadCount) * headSize + 3 * intermediateSize);
  return linear / (2 * headCount * headSize);
}
