/** A training step: forward, policy-gradient loss on the second half of each sequence, backward, clip, AdamW. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ModelConfig } from '../../models/config.ts';
import { createLearner } from '../../training/compiled-learner.ts';
import { matmulSpeed } from './matmul.ts';
import { presetModel, randomIds } from './preset-model.ts';
import type { PresetName } from './presets.ts';
import { preset } from './presets.ts';
import type { Measured } from './stopwatch.ts';
import { median, peakMemory, timed } from './stopwatch.ts';

/** The file that the peer writes beside the weights. */
const inputsSchema = z.object({
  input_ids: z.array(z.array(z.int())),
  advantages: z.array(z.number()),
  completion: z.int(),
});

/** Plain policy gradient: −mean of advantage × log-probability. */
const surrogate = {
  kind: 'pg',
  ratio: 'token',
  clipLow: 0.2,
  clipHigh: 0.2,
  aggregation: 'tokenMean',
  constantLength: 1,
  epochs: 1,
  samplerCap: null,
} as const;
const kl = { where: 'none', estimator: 'k1', coefficient: 0 } as const;

/** AdamW as every peer is set. */
export const benchOptimizer = {
  learningRate: 1e-5,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  clipNorm: 1,
} as const;

/** Steps before the timed ones, the first included. */
const warmUp = 3;

async function readInputs(name: PresetName, folder: string | undefined, vocabulary: number) {
  if (folder !== undefined) {
    return inputsSchema.parse(JSON.parse(await readFile(join(folder, 'train_step.json'), 'utf8')));
  }
  const { batch, length } = preset(name).train;
  return {
    input_ids: Array.from({ length: batch }, (_, row) => [...randomIds(length, vocabulary, row)]),
    advantages: Array.from({ length: batch }, (_, row) => (row % 2 === 0 ? 1 : -0.5)),
    completion: length / 2,
  };
}

/**
 * Times training steps of all weights.
 * @returns `seconds` (median of a step), `fastest`, `firstSeconds`, `firstLoss` and `firstNorm` (at the starting
 *   weights, to compare with a peer), `lastLoss`, `gflops` (needed matrix products), `memory`; where the preset asks
 *   for it also `matmulGflops` and `matmulShare`
 */
export async function measureTraining(name: PresetName, folder: string | undefined): Promise<Measured> {
  const { steps, beside } = preset(name).train;
  const matmulBefore = beside ? await matmulSpeed() : null;
  const { config, store } = await presetModel(name, folder, true);
  const inputs = await readInputs(name, folder, config.vocabularySize);
  const { completion } = inputs;
  const batch = inputs.input_ids.length;
  const length = inputs.input_ids[0]?.length ?? 0;
  const learner = await createLearner({
    config,
    store,
    microBatchTokens: batch * length,
    sourceFolder: folder ?? '',
  });
  const sequences = inputs.input_ids.map((ids, row) => ({
    promptIds: Int32Array.from(ids.slice(0, -completion)),
    answerIds: Int32Array.from(ids.slice(-completion)),
    advantages: new Float32Array(completion).fill(inputs.advantages[row] ?? 0),
    oldLogprobs: null,
    referenceLogprobs: null,
    weights: new Float32Array(completion).fill(1 / (completion * batch)),
  }));
  let loss = 0;
  let norm = 0;
  const step = async (): Promise<void> => {
    ({ loss } = await learner.accumulate(sequences, surrogate, kl, 1));
    norm = learner.step(benchOptimizer).gradientNorm;
  };
  const firstSeconds = await timed(step);
  const [firstLoss, firstNorm] = [loss, norm];
  for (let warm = 1; warm < warmUp; warm++) await step();
  const seconds: number[] = [];
  for (let index = 0; index < steps; index++) seconds.push(await timed(step));
  const gflops = matmulFlops(config, batch, length, completion) / median(seconds) / 1e9;
  const measured = {
    seconds: median(seconds),
    fastest: Math.min(...seconds),
    firstSeconds,
    firstLoss,
    firstNorm,
    lastLoss: loss,
    gflops,
    memory: peakMemory(),
  };
  if (matmulBefore === null) return measured;
  const matmulGflops = (matmulBefore + (await matmulSpeed())) / 2;
  return { ...measured, matmulGflops, matmulShare: gflops / matmulGflops };
}

/** Multiply-adds that a training step needs, two operations each, as the peer script counts them. */
function matmulFlops(config: ModelConfig, batch: number, length: number, completion: number): number {
  const tokens = batch * length;
  const { hiddenSize, headCount, keyValueHeadCount, headSize, intermediateSize, layerCount, vocabularySize } =
    config;
  const perLayer =
    hiddenSize * headSize * (2 * headCount + 2 * keyValueHeadCount) + 3 * hiddenSize * intermediateSize;
  const attention = 2 * tokens * length * hiddenSize * layerCount;
  return (
    3 *
    (2 * perLayer * layerCount * tokens +
      2 * vocabularySize * hiddenSize * batch * (completion + 1) +
      attention)
  );
}
