/**
 * Runs compiled graphs over one set of weights: feeds batches and weights, adds gradients up over micro-batches, and
 * takes the optimizer steps. Learner and critic are made of it; what is computed is up to their graphs.
 */
import type { ModelConfig } from '../models/config.ts';
import { batchInputs } from '../networks/training-layers.ts';
import type { ParameterStore } from '../runtime/parameter-store.ts';
import { ropeTables } from '../runtime/rope-tables.ts';
import type { BoundTensor, Data, SessionChoices } from '../runtime/session.ts';
import { bind, Session } from '../runtime/session.ts';
import type { BatchData, BatchLayout } from './batch-layout.ts';
import { fillBatch, packSequences, sequenceLength, splitMicroBatches } from './batch-layout.ts';
import { planBatches } from './batch-plan.ts';
import type { LearnerSequence, OptimizerSettings, StepResult } from './learner.ts';
import type { GradientGraph, GradientOutput } from './loss-graph.ts';
import { lossInputs, sumInput } from './loss-graph.ts';
import { addRows } from './sequence-arrays.ts';

export interface GradientEngineOptions {
  readonly config: ModelConfig;
  readonly store: ParameterStore;
  /** Weights that are only read, where not all of them are in `store`. */
  readonly frozen?: ParameterStore;
  /** Most tokens (padding included) in one forward and backward pass. */
  readonly microBatchTokens: number;
  readonly session?: SessionChoices;
}

/** A compiled graph with gradients, and the arrays that they are written to. */
export interface Program<G extends GradientGraph> {
  readonly built: G;
  readonly session: Session;
  readonly gradientTensors: ReadonlyMap<GradientOutput, BoundTensor>;
}

export type Feeds = Readonly<Record<string, { readonly data: Data; readonly shape: readonly number[] }>>;

/** Part of the sequences that is computed together: their places in the list, and the filled inputs. */
export interface MicroBatch {
  readonly members: readonly number[];
  readonly batch: BatchData;
}

export class GradientEngine {
  readonly store: ParameterStore;
  readonly config: ModelConfig;
  /** Optimizer steps done so far. */
  updates = 0;
  readonly #options: GradientEngineOptions;
  readonly #windows: readonly (number | null)[];
  readonly #parameters = new Map<string, BoundTensor>();
  readonly #buffers = new Map<string, Float32Array>();
  readonly #programs = new Map<string, Promise<Program<GradientGraph>>>();
  #tables: { cos: BoundTensor; sin: BoundTensor; length: number } | undefined;
  #reference: { weights: Float32Array; tensors: Map<string, BoundTensor> } | undefined;
  /** Whether the gradient arrays hold nothing yet. */
  #empty = true;
  #finite = true;

  constructor(options: GradientEngineOptions) {
    this.#options = options;
    this.store = options.store;
    this.config = options.config;
    this.#windows = [...new Set(options.config.slidingWindow)];
  }

  /**
   * Cuts sequences into micro-batches. Sequences of one unit (`unitSize` after each other in the list) stay together.
   * Batches without a scored token are left out.
   */
  microBatches(sequences: readonly LearnerSequence[], unitSize = 1): MicroBatch[] {
    const fill = (members: readonly number[], layout: BatchLayout): MicroBatch => {
      const part = members.map((index) => sequences[index]).filter((sequence) => sequence !== undefined);
      return { members, batch: fillBatch(part, layout, this.#windows) };
    };
    const width = attentionWidth(this.config);
    if (unitSize === 1) {
      return planBatches(sequences, this.#options.microBatchTokens, width).map(({ members, layout }) =>
        fill(members, layout),
      );
    }
    const lengths = sequences.map(sequenceLength);
    const units = Array.from({ length: Math.ceil(lengths.length / unitSize) }, (_, unit) =>
      lengths.slice(unit * unitSize, (unit + 1) * unitSize).reduce((sum, length) => sum + length, 0),
    );
    return splitMicroBatches(units, this.#options.microBatchTokens).map((kept) => {
      const members = kept.flatMap((unit) =>
        lengths.slice(unit * unitSize, (unit + 1) * unitSize).map((_, place) => unit * unitSize + place),
      );
      const part = members.map((index) => lengths[index] ?? 0);
      return fill(members, packSequences(part, width));
    });
  }

  /** A forward pass; `results` receive the outputs of the graph. */
  async forward(
    session: Session,
    batch: BatchData,
    temperature: number,
    results: Record<string, BoundTensor>,
    which: 'policy' | 'reference' = 'policy',
  ): Promise<void> {
    await session.run(this.#feeds(session, batch, temperature, which), results);
  }

  /**
   * Begins to add up gradients over this many micro-batches.
   * @returns whether their programs must add to what the arrays hold
   */
  begin(batches: number): boolean {
    const accumulate = !this.#empty || batches > 1;
    if (accumulate && this.#empty) this.store.clearGradients();
    return accumulate;
  }

  /** Ends what `begin` began; `loss` is looked at only for being a finite number. */
  finish(batches: number, loss: number): void {
    if (batches > 0) this.#empty = false;
    if (!Number.isFinite(loss)) this.#finite = false;
  }

  /** Forward and backward pass of one micro-batch; its gradients are added up. `results` receive the other outputs. */
  async backward(
    { built, session, gradientTensors }: Program<GradientGraph>,
    batch: BatchData,
    temperature: number,
    accumulate: boolean,
    given: Feeds,
    results: Record<string, BoundTensor>,
  ): Promise<void> {
    const { store } = this;
    const feeds = this.#feeds(session, batch, temperature, 'policy');
    for (const [name, { data, shape }] of Object.entries(given)) {
      if (session.compiled.inputs.some((input) => input.name === name)) feeds[name] = bind(data, shape);
    }
    for (const [gradient, tensor] of gradientTensors) {
      results[gradient.name] = tensor;
      if (accumulate) feeds[sumInput(gradient)] = tensor;
    }
    const width = this.config.hiddenSize;
    const rows = built.rows.map((output) => {
      const ids = batch.feeds[output.ids]?.data;
      if (!(ids instanceof Int32Array)) throw new Error(`internal: no ids ${output.ids}`);
      const data = this.#buffer(output.name, ids.length * width);
      results[output.name] = bind(data, [ids.length, width]);
      return { parameter: output.parameter, ids, data };
    });
    await session.run(feeds, results);

    if (!accumulate) this.#clearUnwritten(built);
    for (const { parameter, ids, data } of rows) addRows(store.gradient(parameter), ids, data, width);
  }

  /** Tables that only get rows, and tensors that this graph does not reach, hold the sums of the step before: empty them. */
  #clearUnwritten(built: GradientGraph): void {
    const dense = new Set(built.gradients.map(({ parameter }) => parameter));
    for (const { name } of this.store.parameters) {
      if (!dense.has(name)) this.store.gradient(name).fill(0);
    }
  }

  /** One AdamW update from the gradient added up, which is then empty again. */
  step({ learningRate, beta1, beta2, eps, weightDecay, clipNorm }: OptimizerSettings): StepResult {
    const { store } = this;
    if (this.#empty) store.clearGradients();
    const gradientNorm = store.gradientNorm();
    const applied = this.#finite && Number.isFinite(gradientNorm);
    if (applied) {
      this.updates++;
      const gradientScale =
        clipNorm !== null && gradientNorm > clipNorm ? clipNorm / (gradientNorm + 1e-6) : 1;
      store.update({ step: this.updates, learningRate, beta1, beta2, eps, weightDecay, gradientScale });
    }
    this.#empty = true;
    this.#finite = true;
    return { gradientNorm, applied };
  }

  /** Empties what was added up, without an update. */
  discard(): void {
    this.#empty = true;
    this.#finite = true;
  }

  /** Sets the number of updates of a restored state; gradients are empty. */
  restored(updates: number): void {
    this.updates = updates;
    this.#empty = true;
  }

  keepReference(): void {
    this.#reference = { weights: this.store.copyWeights(), tensors: new Map() };
  }

  /** Compiles a graph with gradients once for each key. */
  program<G extends GradientGraph>(key: string, build: () => G): Promise<Program<G>> {
    const known = this.#programs.get(key);
    // The key names the form of the graph, so what is kept under it was built by the same function.
    if (known) return known as Promise<Program<G>>;
    const made = this.#compile(build());
    this.#programs.set(key, made);
    return made;
  }

  async #compile<G extends GradientGraph>(built: G): Promise<Program<G>> {
    const { store } = this;
    const results = [...built.results, ...built.gradients, ...built.rows];
    const session = await Session.create(built.graph, results, this.#options.session);
    const gradientTensors = new Map(
      built.gradients.map((output) => {
        const shape = output.node.shape.map(Number);
        return [output, bind(store.gradient(output.parameter, output.rows), shape)] as const;
      }),
    );
    return { built, session, gradientTensors };
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await (await program).session.dispose();
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
    const { store } = this;
    if (which === 'reference' && !this.#reference) throw new Error('internal: no reference policy was kept');
    const known = which === 'reference' ? this.#reference?.tensors : this.#parameters;
    const found = known?.get(key);
    if (found) return found;
    const data =
      which === 'reference' && this.#reference
        ? store.inCopy(this.#reference.weights, name, rows)
        : (this.#options.frozen?.has(name) ? this.#options.frozen : store).weights(name, rows);
    const tensor = bind(data, shape);
    known?.set(key, tensor);
    return tensor;
  }

  #rope(width: number): { cos: BoundTensor; sin: BoundTensor } {
    if (!this.#tables || this.#tables.length < width) {
      const { rope } = this.config;
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
