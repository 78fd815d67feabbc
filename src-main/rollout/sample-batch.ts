/** The state of one call of the sampler: which requests wait, which are being written, which are done. */
import { randomStream } from '../contract/random.ts';
import type { RandomStream } from '../contract/random.ts';
import { drawRestricted, drawToken, mostProbable } from './choose-token.ts';
import type { KeyValueCache } from './key-value-cache.ts';
import { shareReading } from './share-reading.ts';
import type { Reading } from './share-reading.ts';
import type { SampleOptions, SampleRequest, SampleResult } from './sampler.ts';

/** A sequence that is being written. */
interface Place {
  readonly request: number;
  readonly random: RandomStream;
  readonly ids: number[];
  readonly logprobs: number[];
  /** Tokens in the cache. */
  length: number;
}

/** A prompt that was read: its row in a cache, and the distribution of the first token. */
export interface ReadPrompt {
  readonly cache: KeyValueCache;
  readonly row: number;
  readonly length: number;
  readonly probabilities: Float32Array;
  /** Requests that have not started yet. */
  waiting: number;
}

/** Gives places to requests in their order and takes their tokens; knows nothing of graphs. */
export class SampleBatch {
  /** Row i of the cache belongs to active[i]. */
  readonly active: Place[] = [];
  readonly inverseTemperature: number;
  tokens = 0;
  done = 0;
  readonly #requests: readonly SampleRequest[];
  readonly #options: SampleOptions;
  readonly #stops: ReadonlySet<number>;
  readonly #cache: KeyValueCache;
  readonly #places: number;
  readonly #keys: readonly string[];
  readonly #prompts = new Map<string, ReadPrompt>();
  /** Requests that have not started yet, by the key of their prompt. */
  readonly #waiting = new Map<string, number>();
  /** How the prompt of each request is read, by its key. */
  readonly #readings: ReadonlyMap<string, Reading>;
  readonly #results: SampleResult[];
  #next = 0;
  #bound: { rows: number; tensors: ReturnType<KeyValueCache['bind']> } | undefined;
  #buffer = new Float32Array(0);

  constructor(
    requests: readonly SampleRequest[],
    options: SampleOptions,
    cache: KeyValueCache,
    places: number,
    readRows: number,
  ) {
    this.#requests = requests;
    this.#options = options;
    this.#stops = new Set(options.stopIds);
    this.#cache = cache;
    this.#places = places;
    this.#keys = requests.map(({ promptIds }) => promptIds.join());
    for (const key of this.#keys) this.#waiting.set(key, (this.#waiting.get(key) ?? 0) + 1);
    this.#readings = shareReading(
      new Map(requests.map(({ promptIds }, index) => [this.#keys[index] ?? '', promptIds])),
      readRows,
    );
    this.#results = new Array<SampleResult>(requests.length);
    this.inverseTemperature = options.temperature === 0 ? 1 : 1 / options.temperature;
  }

  get finished(): boolean {
    return this.done === this.#requests.length;
  }
  get hasRoom(): boolean {
    return this.#next < this.#requests.length && this.active.length < this.#places;
  }

  /**
   * Readings, at least one where a prompt is not yet read, for the requests that come next and find room.
   * @param tokens most tokens to read, padding included
   * @param rows most distributions to ask for
   */
  unread(tokens: number, rows: number): Reading[] {
    const found = new Set<Reading>();
    let width = 0;
    let asked = 0;
    const last = Math.min(this.#requests.length, this.#next + this.#places - this.active.length);
    for (let index = this.#next; index < last; index++) {
      const key = this.#keys[index] ?? '';
      const reading = this.#readings.get(key);
      if (!reading || found.has(reading) || this.#prompts.has(key)) continue;
      width = Math.max(width, reading.prompt.length);
      asked += reading.lengths.length;
      if (found.size > 0 && (width * (found.size + 1) > tokens || asked > rows)) break;
      found.add(reading);
    }
    return [...found];
  }

  /** Takes a prompt that was read; one that no request waits for any more is left. */
  keep(prompt: Int32Array, read: Omit<ReadPrompt, 'waiting'>): void {
    const key = prompt.join();
    const waiting = this.#waiting.get(key) ?? 0;
    if (waiting > 0) this.#prompts.set(key, { ...read, waiting });
  }

  /** Gives places to waiting requests, in order, as far as their prompts are read. */
  start(): void {
    while (this.hasRoom) {
      const request = this.#requests[this.#next];
      const key = this.#keys[this.#next] ?? '';
      const prompt = this.#prompts.get(key);
      if (!request || !prompt) return;
      const place: Place = {
        request: this.#next,
        random: randomStream(request.stream),
        ids: [],
        logprobs: [],
        length: prompt.length,
      };
      this.#next++;
      this.#waiting.set(key, --prompt.waiting);
      if (prompt.waiting === 0) this.#prompts.delete(key);
      this.#append(place, prompt.probabilities);
      if (this.#ends(place)) this.#finish(place);
      else {
        this.#cache.copyRow(this.active.length, prompt.cache, prompt.row, prompt.length);
        this.active.push(place);
      }
    }
  }

  /** Takes the next token of every active sequence and closes those that end. */
  advance(probabilities: Float32Array, vocabulary: number): void {
    this.active.forEach((place, row) =>
      this.#append(place, probabilities.subarray(row * vocabulary, (row + 1) * vocabulary)),
    );
    for (let row = this.active.length - 1; row >= 0; row--) {
      const place = this.active[row];
      if (!place || !this.#ends(place)) continue;
      this.#finish(place);
      // The last sequence moves into the gap, so that the rows in use stay the first ones.
      const last = this.active.pop();
      if (last && last !== place) {
        this.active[row] = last;
        this.#cache.copyRow(row, this.#cache, this.active.length, last.length);
      }
    }
  }

  #append(place: Place, probabilities: Float32Array): void {
    const { temperature, topP, topK } = this.#options;
    let token: number;
    if (temperature === 0) token = mostProbable(probabilities);
    else {
      const u = place.random.uniform(place.ids.length);
      token =
        topP < 1 || topK > 0 ? drawRestricted(probabilities, u, { topP, topK }) : drawToken(probabilities, u);
    }
    place.ids.push(token);
    place.logprobs.push(Math.log(probabilities[token] ?? 0));
    this.tokens++;
  }

  #ends(place: Place): boolean {
    return this.#stops.has(place.ids.at(-1) ?? -1) || place.ids.length >= this.#mostTokens(place.request);
  }

  #mostTokens(request: number): number {
    return this.#requests[request]?.maxTokens ?? this.#options.maxTokens;
  }

  #finish(place: Place): void {
    const finish = this.#stops.has(place.ids.at(-1) ?? -1) ? 'stop' : 'length';
    this.#results[place.request] = {
      ids: Int32Array.from(place.ids),
      logprobs: Float32Array.from(place.logprobs),
      finish,
    };
    this.done++;
  }

  bound(): ReturnType<KeyValueCache['bind']> {
    const rows = this.active.length;
    if (this.#bound?.rows !== rows) this.#bound = { rows, tensors: this.#cache.bind(rows) };
    return this.#bound.tensors;
  }

  /** An array of this length that is overwritten by the next run. */
  buffer(length: number): Float32Array {
    if (this.#buffer.length < length) this.#buffer = new Float32Array(length);
    return this.#buffer.subarray(0, length);
  }

  results(): SampleResult[] {
    return this.#results;
  }
}
