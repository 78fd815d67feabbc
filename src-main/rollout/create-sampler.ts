/**
 * The sampler: continues many prompts at once. A fixed number of places holds sequences that are being written; a
 * finished one makes room for the next that waits, and when none waits the batch shrinks. Equal prompts are read once
 * and their caches copied, so the answers of a group, or continuations of one prefix, share that work; prompts that
 * begin another one are read with it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EspalierError } from '../contract/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import { decodingInputs } from '../networks/decoding-layers.ts';
import { samplingLimits } from '../runtime/memory-estimate.ts';
import type { ParameterStore } from '../runtime/parameter-store.ts';
import { ropeTables } from '../runtime/rope-tables.ts';
import type { BoundTensor, SessionChoices } from '../runtime/session.ts';
import { bind, Session } from '../runtime/session.ts';
import type { StoredWeights } from '../runtime/weights.ts';
import { bindParameters } from '../runtime/weights.ts';
import { buildDecodingGraph, samplingInputs } from './decoding-graph.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { SampleBatch } from './sample-batch.ts';
import type { Reading } from './share-reading.ts';
import type { SampleOptions, SampleRequest, SampleResult, Sampler } from './sampler.ts';

export interface SamplerOptions {
  readonly config: ModelConfig;
  /** Weights in memory (the learner's own: a new step is seen at once), or in files that are read in place. */
  readonly weights: ParameterStore | StoredWeights;
  /** Most bytes of caches. */
  readonly cacheBytes?: number;
  /** Most sequences written at the same time. */
  readonly places?: number;
  readonly session?: SessionChoices;
}

/** Most tokens of prompts read in one run. */
const prefillTokens = 4096;
/** Most bytes of distributions that one run asks for after prompts. */
const readBytes = 64e6;
/** Caches have room for a multiple of this many positions. */
const positionStep = 16;

/** Compiles the sampling graph. */
export async function createSampler(options: SamplerOptions): Promise<Sampler> {
  const { config, weights } = options;
  if ('stored' in weights) {
    const { graph, probabilities } = buildDecodingGraph(config, false);
    return new CachedSampler(
      options,
      await Session.create(graph, [probabilities], {
        ...options.session,
        stored: weights.stored,
        storedFolder: weights.folder,
      }),
      {},
    );
  }
  const { graph, probabilities } = buildDecodingGraph(config, true);
  const session = await Session.create(graph, [probabilities], options.session);
  return new CachedSampler(options, session, bindParameters(session.compiled, weights));
}

class CachedSampler implements Sampler {
  readonly #options: SamplerOptions;
  readonly #session: Session;
  readonly #parameters: Record<string, BoundTensor>;
  #cache: KeyValueCache | undefined;
  #tables: { cos: BoundTensor; sin: BoundTensor; length: number } | undefined;

  constructor(options: SamplerOptions, session: Session, parameters: Record<string, BoundTensor>) {
    this.#options = options;
    this.#session = session;
    this.#parameters = parameters;
  }

  async generate(requests: readonly SampleRequest[], options: SampleOptions): Promise<SampleResult[]> {
    this.#check(requests, options);
    if (requests.length === 0) return [];
    const longest = requests.reduce(
      (most, { promptIds, maxTokens }) => Math.max(most, promptIds.length + (maxTokens ?? options.maxTokens)),
      0,
    );
    const positions = Math.ceil(longest / positionStep) * positionStep;
    const places = this.#placeCount(requests.length, positions);
    const batch = new SampleBatch(requests, options, this.#room(places, positions), places, this.#readRows);
    let reported = 0;
    while (!batch.finished) {
      await this.#fill(batch, positions);
      if (batch.active.length > 0) await this.#step(batch, positions);
      await nextTurn();
      if (options.onProgress && batch.tokens !== reported) {
        reported = batch.tokens;
        if (!options.onProgress(batch.done, batch.tokens))
          throw new EspalierError('cancelled', 'cancelled', 'Sampling was cancelled.');
      }
    }
    return batch.results();
  }

  #check(requests: readonly SampleRequest[], options: SampleOptions): void {
    const { topP } = options;
    const { maxPositions, vocabularySize } = this.#options.config;
    if (!(options.maxTokens >= 1) || !(topP > 0 && topP <= 1))
      throw new RangeError('maxTokens must be at least 1 and topP above 0 and at most 1');
    for (const { promptIds, maxTokens = options.maxTokens } of requests) {
      if (!(maxTokens >= 1)) throw new RangeError('maxTokens of a request must be at least 1');
      if (promptIds.length === 0)
        throw new EspalierError('user', 'prompt-empty', 'A prompt without any token cannot be continued.', {
          advice: 'Give each prompt at least one character.',
        });
      if (promptIds.length + maxTokens > maxPositions) {
        throw new EspalierError(
          'user',
          'prompt-too-long',
          `A prompt of ${promptIds.length} tokens and an answer of up to ${maxTokens} exceed the ${maxPositions} positions of the model.`,
          {
            advice: 'Shorten the prompt or the longest answer.',
          },
        );
      }
      if (promptIds.some((id) => id < 0 || id >= vocabularySize))
        throw new EspalierError(
          'user',
          'token-unknown',
          `A prompt holds a token id outside the vocabulary of ${vocabularySize}.`,
        );
    }
  }

  #placeCount(requests: number, positions: number): number {
    const { config, cacheBytes = samplingLimits.cacheBytes, places = samplingLimits.places } = this.#options;
    return Math.max(
      1,
      Math.min(requests, places, Math.floor(cacheBytes / KeyValueCache.rowBytes(config, positions))),
    );
  }

  /** The main cache, kept between calls while it is large enough. */
  #room(places: number, positions: number): KeyValueCache {
    const fits = this.#cache?.positions === positions && this.#cache.rows >= places;
    if (!this.#cache || !fits) this.#cache = new KeyValueCache(this.#options.config, places, positions);
    return this.#cache;
  }

  /** Reads the prompts of the requests that find a place, and starts them. */
  async #fill(batch: SampleBatch, positions: number): Promise<void> {
    while (batch.hasRoom) {
      const next = batch.unread(prefillTokens, this.#readRows);
      if (next.length > 0) await this.#read(batch, next, positions);
      batch.start();
    }
  }

  async #read(batch: SampleBatch, readings: readonly Reading[], positions: number): Promise<void> {
    const width = readings.reduce((most, { prompt }) => Math.max(most, prompt.length), 0);
    const ids = new Int32Array(readings.length * width);
    const positionRows = new Int32Array(ids.length);
    const lastPositions = new Int32Array(readings.length);
    readings.forEach(({ prompt }, row) => {
      ids.set(prompt, row * width);
      for (let column = 0; column < width; column++) positionRows[row * width + column] = column;
      lastPositions[row] = prompt.length - 1;
    });
    const asked = readings.flatMap(({ lengths }, row) => lengths.map((length) => ({ row, length })));
    // Prompts that fill free places by themselves need no cache of their own, but a copy costs little and keeps one way.
    const cache = new KeyValueCache(this.#options.config, readings.length, width);
    const probabilities = await this.#run(
      {
        ids,
        positionRows,
        lastPositions,
        lastRows: Int32Array.from(asked, ({ row, length }) => row * width + length - 1),
        rows: readings.length,
        longest: width,
      },
      cache.bind(readings.length),
      batch,
      positions,
    );
    asked.forEach(({ row, length }, place) =>
      batch.keep(readings[row]!.prompt.subarray(0, length), {
        cache,
        row,
        length,
        probabilities: probabilities.slice(place * this.#vocabulary, (place + 1) * this.#vocabulary),
      }),
    );
  }

  /** Most distributions that one run asks for after prompts. */
  get #readRows(): number {
    return Math.max(1, Math.floor(readBytes / (4 * this.#vocabulary)));
  }

  get #vocabulary(): number {
    return this.#options.config.vocabularySize;
  }

  async #step(batch: SampleBatch, positions: number): Promise<void> {
    const { active } = batch;
    const ids = Int32Array.from(active, (place) => place.ids.at(-1) ?? 0);
    const positionRows = Int32Array.from(active, (place) => place.length);
    const rows = active.length;
    const longest = positionRows.reduce((most, position) => Math.max(most, position + 1), 0);
    const probabilities = await this.#run(
      {
        ids,
        positionRows,
        lastPositions: positionRows,
        lastRows: Int32Array.from(active, (_, row) => row),
        rows,
        longest,
      },
      batch.bound(),
      batch,
      positions,
    );
    for (const place of active) place.length++;
    batch.advance(probabilities, this.#vocabulary);
  }

  async #run(
    step: {
      ids: Int32Array;
      positionRows: Int32Array;
      lastPositions: Int32Array;
      lastRows: Int32Array;
      rows: number;
      longest: number;
    },
    caches: { feeds: Record<string, BoundTensor>; results: Record<string, BoundTensor> },
    batch: SampleBatch,
    positions: number,
  ): Promise<Float32Array> {
    const { ids, positionRows, lastPositions, lastRows, rows, longest } = step;
    const width = ids.length / rows;
    const own: Record<string, () => BoundTensor> = {
      [decodingInputs.ids]: () => bind(ids, [ids.length]),
      [decodingInputs.positions]: () => bind(BigInt64Array.from(positionRows, BigInt), [rows, width]),
      [decodingInputs.positionRows]: () => bind(positionRows, [ids.length]),
      [decodingInputs.lastPositions]: () => bind(lastPositions, [rows]),
      [decodingInputs.longest]: () => bind(Int32Array.of(longest), [1]),
      [decodingInputs.cos]: () => this.#rope(positions).cos,
      [decodingInputs.sin]: () => this.#rope(positions).sin,
      [samplingInputs.lastRows]: () => bind(lastRows, [lastRows.length]),
      [samplingInputs.inverseTemperature]: () => bind(Float32Array.of(batch.inverseTemperature), []),
    };
    const feeds: Record<string, BoundTensor> = { ...this.#parameters, ...caches.feeds };
    for (const { name } of this.#session.compiled.inputs) {
      const make = own[name];
      if (make) feeds[name] = make();
    }
    const probabilities = batch.buffer(lastRows.length * this.#vocabulary);
    await this.#session.run(feeds, {
      probabilities: bind(probabilities, [lastRows.length, this.#vocabulary]),
      ...caches.results,
    });
    return probabilities;
  }

  #rope(length: number): { cos: BoundTensor; sin: BoundTensor } {
    if (!this.#tables || this.#tables.length < length) {
      const { rope } = this.#options.config;
      if (!rope) throw new Error('internal: rotary tables of a model without them');
      const tables = ropeTables(rope, length);
      const shape = [tables.length, tables.half];
      this.#tables = { cos: bind(tables.cos, shape), sin: bind(tables.sin, shape), length };
    }
    return this.#tables;
  }

  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}
