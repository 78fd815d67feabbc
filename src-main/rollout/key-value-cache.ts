/** Keys and values of all layers for a number of sequences, in arrays that the graph updates in place. */
import type { ModelConfig } from '../models/config.ts';
import { cachedHeadSize, cacheNames } from '../networks/decoding-layers.ts';
import type { BoundTensor } from '../runtime/session.ts';
import { bind } from '../runtime/session.ts';

export class KeyValueCache {
  /** Sequences, and positions of each, that there is room for. */
  readonly rows: number;
  readonly positions: number;
  /** Floats of one sequence in one layer. */
  readonly #rowSize: number;
  readonly #heads: number;
  readonly #headSize: number;
  readonly #layers: readonly { key: Float32Array; value: Float32Array }[];

  constructor(config: ModelConfig, rows: number, positions: number) {
    this.rows = rows;
    this.positions = positions;
    this.#heads = config.keyValueHeadCount;
    this.#headSize = cachedHeadSize(config);
    this.#rowSize = config.keyValueHeadCount * positions * cachedHeadSize(config);
    this.#layers = Array.from({ length: config.layerCount }, () => ({
      key: new Float32Array(rows * this.#rowSize),
      value: new Float32Array(rows * this.#rowSize),
    }));
  }

  /** Bytes of the cache of one sequence. */
  static rowBytes(config: ModelConfig, positions: number): number {
    return 2 * 4 * config.layerCount * config.keyValueHeadCount * positions * cachedHeadSize(config);
  }

  /** Feeds and results that bind the first `rows` sequences. */
  bind(rows: number): { feeds: Record<string, BoundTensor>; results: Record<string, BoundTensor> } {
    const feeds: Record<string, BoundTensor> = {};
    const results: Record<string, BoundTensor> = {};
    this.#layers.forEach(({ key, value }, layer) => {
      const shape = [rows, this.#heads, this.positions, this.#headSize];
      const names = cacheNames(layer);
      // One tensor serves as past and present: the graph writes into what it reads.
      feeds[names.key] = results[names.presentKey] = bind(key.subarray(0, rows * this.#rowSize), shape);
      feeds[names.value] = results[names.presentValue] = bind(value.subarray(0, rows * this.#rowSize), shape);
    });
    return { feeds, results };
  }

  /** Copies the first `length` positions of a sequence of `from` (which may be this cache) into a row of this one. */
  copyRow(row: number, from: KeyValueCache, fromRow: number, length: number): void {
    const count = length * this.#headSize;
    this.#layers.forEach((target, layer) => {
      const source = from.#layers[layer];
      if (!source) throw new Error('internal: caches of different models');
      for (let head = 0; head < this.#heads; head++) {
        const to = row * this.#rowSize + head * this.positions * this.#headSize;
        const at = fromRow * from.#rowSize + head * from.positions * this.#headSize;
        target.key.set(source.key.subarray(at, at + count), to);
        target.value.set(source.value.subarray(at, at + count), to);
      }
    });
  }
}
