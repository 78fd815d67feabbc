/** How much memory a run will need, by part, from the shape of the model and of a batch; known before anything is loaded. */
import type { ModelConfig } from '../models/config.ts';
import { parameterCount } from '../models/expected-tensors.ts';
import { cachedHeadSize } from '../networks/decoding-layers.ts';
import { vocabularySlices } from '../networks/head.ts';

export interface MemoryPart {
  readonly name: string;
  readonly bytes: number;
}

export interface TrainingShape {
  /** Most tokens in one forward and backward pass. */
  readonly microBatchTokens: number;
  /** Longest sequence, prompt and answer, in tokens. */
  readonly longest: number;
  /** Sequences that are learnt from in one step. */
  readonly sequences: number;
  /** Sequences that are to be sampled together (the sampler's limits apply); 0 where nothing is sampled. */
  readonly sampledTogether: number;
  /** Whether a copy of the weights is kept as reference policy. */
  readonly reference: boolean;
  /** Whether a critic of its own is trained beside the policy. */
  readonly critic?: boolean;
  /** Whether the loss holds the entropy, whose gradient takes a table of the vocabulary. */
  readonly entropyBonus?: boolean;
}

/** What the sampler takes at most unless told otherwise: sequences written at the same time, and bytes of their caches. */
export const samplingLimits = { places: 256, cacheBytes: 512 * 1024 * 1024 } as const;

/** Program, runtime library and what the system counts to a process that has done nothing yet. */
const programBytes = 170e6;
/** Room that ONNX Runtime's allocator takes beyond what is in use. */
const allocatorSlack = 1.25;

/** Bytes of everything that the backward pass keeps for a micro-batch, and of the largest intermediate results. */
function activationBytes(config: ModelConfig, tokens: number, longest: number): number {
  const { hiddenSize, headCount, keyValueHeadCount, headSize, intermediateSize, layerCount, vocabularySize } =
    config;
  const attention =
    (3 * headCount + 4 * keyValueHeadCount) * headSize + headCount * Math.min(longest, tokens);
  const perLayer = 4 * hiddenSize + attention + 4 * intermediateSize;
  const passing = 2 * Math.max(2 * intermediateSize, 2 * headCount * Math.min(longest, tokens));
  return 4 * tokens * (layerCount * perLayer + passing + vocabularySize + 4 * hiddenSize);
}

/** Bytes that the gradient of the entropy works in: one table [tokens, vocabulary], in slices, and one slice more. */
function entropyBytes({ vocabularySize }: ModelConfig, tokens: number): number {
  const widest = vocabularySlices(vocabularySize).reduce(
    (most, rows) => Math.max(most, rows === null ? vocabularySize : rows[1] - rows[0]),
    0,
  );
  return 4 * tokens * (vocabularySize + widest);
}

/** The parts of the memory of a training run, in bytes. */
export function estimateTrainingMemory(config: ModelConfig, shape: TrainingShape): MemoryPart[] {
  const weights = 4 * parameterCount(config);
  const tokens = Math.max(shape.longest, Math.min(shape.microBatchTokens, shape.sequences * shape.longest));
  const cacheRow =
    2 * 4 * config.layerCount * config.keyValueHeadCount * cachedHeadSize(config) * shape.longest;
  return [
    { name: 'program', bytes: programBytes },
    { name: 'weights', bytes: weights },
    { name: 'gradients', bytes: weights },
    { name: 'optimizer', bytes: 2 * weights },
    ...(shape.reference ? [{ name: 'reference model', bytes: weights }] : []),
    // Weights, gradients and both moments; its passes come after those of the policy and take the same room.
    ...(shape.critic ? [{ name: 'critic', bytes: 4 * weights }] : []),
    {
      name: 'activations',
      bytes: Math.round(
        allocatorSlack *
          (activationBytes(config, tokens, shape.longest) +
            (shape.entropyBonus ? entropyBytes(config, tokens) : 0)),
      ),
    },
    ...(shape.sampledTogether > 0
      ? [
          {
            name: 'sampling cache',
            bytes: Math.min(
              samplingLimits.cacheBytes,
              Math.min(shape.sampledTogether, samplingLimits.places) * cacheRow,
            ),
          },
        ]
      : []),
  ];
}

/** What training a reward model is asked for. */
export interface RewardTrainingShape {
  readonly microBatchTokens: number;
  /** Longest text in tokens. */
  readonly longest: number;
  /** Pairs of one step. */
  readonly pairs: number;
  readonly headOnly: boolean;
}

/** The parts of the memory of training a reward model, in bytes. */
export function estimateRewardTrainingMemory(config: ModelConfig, shape: RewardTrainingShape): MemoryPart[] {
  const weights = 4 * parameterCount(config);
  const { longest, headOnly } = shape;
  const tokens = Math.max(2 * longest, Math.min(shape.microBatchTokens, 2 * shape.pairs * longest));
  const kept = { ...config, vocabularySize: 0, layerCount: headOnly ? 1 : config.layerCount };
  return [
    { name: 'program', bytes: programBytes },
    { name: 'weights', bytes: weights },
    ...(headOnly
      ? []
      : [
          { name: 'gradients', bytes: weights },
          { name: 'optimizer', bytes: 2 * weights },
        ]),
    { name: 'activations', bytes: Math.round(allocatorSlack * activationBytes(kept, tokens, longest)) },
  ];
}

/** Bytes of a model that only scores: its weights, and the one layer of a batch that is computed at a time. */
export function scoringBytes(config: ModelConfig, tokens: number, longest: number): number {
  const oneLayer = { ...config, vocabularySize: 0, layerCount: 1 };
  return 4 * parameterCount(config) + Math.round(allocatorSlack * activationBytes(oneLayer, tokens, longest));
}

export function totalBytes(parts: readonly MemoryPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

const mostTokens = 1024;
const fewestTokens = 256;

/** Largest micro-batch (a power of two of tokens, at least one sequence) whose activations take at most a quarter of the free memory. */
export function chooseMicroBatchTokens(config: ModelConfig, longest: number, freeBytes: number): number {
  let tokens = mostTokens;
  while (tokens > fewestTokens && activationBytes(config, tokens, longest) > freeBytes / 4) tokens /= 2;
  return Math.max(tokens, longest);
}
