/** Models of a few thousand weights, made in the test. */
import { randomStream } from '../../src-main/contract/random.ts';
import type { ModelConfig } from '../../src-main/models/config.ts';
import type { ParameterStore } from '../../src-main/runtime/parameter-store.ts';

/** A Llama of two layers; `changes` replaces parts of it. */
export function tinyConfig(changes: Partial<ModelConfig> = {}): ModelConfig {
  return {
    architecture: 'llama',
    vocabularySize: 12,
    hiddenSize: 16,
    layerCount: 2,
    headCount: 4,
    keyValueHeadCount: 2,
    headSize: 8,
    intermediateSize: 24,
    activation: 'silu',
    normEps: 1e-6,
    rope: { inverseFrequencies: Float64Array.from([1, 0.1, 0.01, 0.001]), scale: 1 },
    slidingWindow: [null, null],
    tiedEmbeddings: true,
    qkvBias: false,
    outputBias: false,
    mlpBias: false,
    maxPositions: 64,
    bosId: null,
    eosIds: [],
    padId: null,
    initializerRange: 0.02,
    ...changes,
  };
}

/** Normal numbers of deviation 0.5 (norms around 1): large enough that distributions are far from uniform. */
export function fillRandom(store: ParameterStore, seed: number): void {
  store.parameters.forEach(({ name, shape }, tensor) => {
    const random = randomStream([seed, tensor]);
    const mean = shape.length === 1 && !name.endsWith('bias') ? 1 : 0;
    store.weights(name).forEach((_, index, weights) => {
      weights[index] = mean + random.normal(index) * (mean === 1 ? 0.1 : 0.5);
    });
  });
}
