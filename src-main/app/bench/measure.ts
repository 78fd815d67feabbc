/**
 * One measurement in a process of its own, so that its peak memory is its own:
 *   node measure.ts train|sample|matmul PRESET [MODEL FOLDER]
 * Prints one line of JSON. With a folder, weights and inputs are those that a peer script wrote there.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { randomStream } from '../../contract/random.ts';
import { Graph } from '../../graph/graph.ts';
import type { ModelConfig } from '../../models/config.ts';
import { openCheckpoint } from '../../models/open-checkpoint.ts';
import { createSampler } from '../../rollout/create-sampler.ts';
import { createParameterStore, initialiseWeights, loadWeights } from '../../runtime/load-weights.ts';
import type { ParameterStore } from '../../runtime/parameter-store.ts';
import { bind, Session } from '../../runtime/session.ts';
import { createLearner } from '../../training/compiled-learner.ts';
import type { PresetName } from './presets.ts';
import { preset, presetConfig, presetNames } from './presets.ts';

/** Median of times in seconds. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function model(
  name: PresetName,
  folder: string | undefined,
  trainable: boolean,
): Promise<{ config: ModelConfig; store: ParameterStore }> {
  if (folder === undefined) {
    const config = presetConfig(name);
    const store = await createParameterStore(config, trainable);
    initialiseWeights(store, config, 0);
    return { config, store };
  }
  const checkpoint = await openCheckpoint(folder);
  const store = await createParameterStore(checkpoint.config, trainable);
  await loadWeights(store, checkpoint);
  return { config: checkpoint.config, store };
}

function randomIds(count: number, vocabulary: number, row: number): Int32Array {
  const random = randomStream([0, row]);
  return Int32Array.from(
    { length: count },
    (_, index) => 3 + Math.floor(random.uniform(index) * (vocabulary - 3)),
  );
}

const trainInputs = z.object({
  input_ids: z.array(z.array(z.int())),
  advantages: z.array(z.number()),
  completion: z.int(),
});

async function train(name: PresetName, folder: string | undefined): Promise<Record<string, number>> {
  const { config, store } = await model(name, folder, true);
  const { batch, length, steps } = preset(name).train;
  const inputs =
    folder === undefined
      ? {
          input_ids: Array.from({ length: batch }, (_, row) => [
            ...randomIds(length, config.vocabularySize, row),
          ]),
          advantages: Array.from({ length: batch }, (_, row) => (row % 2 === 0 ? 1 : -0.5)),
          completion: length / 2,
        }
      : trainInputs.parse(JSON.parse(await readFile(join(folder, 'train_step.json'), 'utf8')));
  const { completion } = inputs;
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
    weights: new Float32Array(completion).fill(1 / (completion * inputs.input_ids.length)),
  }));
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
  let loss = 0;
  let norm = 0;
  const step = async (): Promise<void> => {
    ({ loss } = await learner.accumulate(sequences, surrogate, kl, 1));
    norm = learner.step({
      learningRate: 1e-5,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      weightDecay: 0,
      clipNorm: 1,
    }).gradientNorm;
  };
  const firstSeconds = await timed(step);
  const [firstLoss, firstNorm] = [loss, norm];
  for (let warm = 0; warm < 2; warm++) await step();
  const seconds: number[] = [];
  for (let index = 0; index < steps; index++) seconds.push(await timed(step));
  return {
    seconds: median(seconds),
    fastest: Math.min(...seconds),
    firstSeconds,
    firstLoss,
    firstNorm,
    lastLoss: loss,
    gflops: matmulFlops(config, batch, length, completion) / median(seconds) / 1e9,
    memory: peakMemory(),
  };
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

const sampleInputs = z.object({ prompts: z.array(z.array(z.int())), new: z.int() });

async function sample(name: PresetName, folder: string | undefined): Promise<Record<string, number>> {
  const { config, store } = await model(name, folder, false);
  const shape = preset(name).sample;
  const inputs =
    folder === undefined
      ? {
          prompts: Array.from({ length: shape.batch }, (_, row) => [
            ...randomIds(shape.prompt, config.vocabularySize, row),
          ]),
          new: shape.answer,
        }
      : sampleInputs.parse(JSON.parse(await readFile(join(folder, 'generate.json'), 'utf8')));
  const sampler = await createSampler({ config, weights: store });
  let tokens = 0;
  const seconds: number[] = [];
  for (let repeat = -2; repeat < shape.repeats; repeat++) {
    const requests = inputs.prompts.map((ids, row) => ({
      promptIds: Int32Array.from(ids),
      stream: [0, repeat + 2, row],
    }));
    const taken = await timed(async () => {
      const answers = await sampler.generate(requests, {
        maxTokens: inputs.new,
        temperature: 1,
        topP: 1,
        topK: 0,
        stopIds: [],
      });
      tokens = answers.reduce((sum, { ids }) => sum + ids.length, 0);
    });
    if (repeat >= 0) seconds.push(taken);
  }
  return {
    seconds: median(seconds),
    fastest: Math.min(...seconds),
    tokensPerSecond: tokens / median(seconds),
    memory: peakMemory(),
  };
}

/** Speed of one product of two 1024 × 1024 matrices: what the machine can do. */
async function matmul(): Promise<Record<string, number>> {
  const size = 1024;
  const graph = new Graph();
  const product = graph.gemm(graph.input('a', [size, size]), graph.input('b', [size, size]));
  const session = await Session.create(graph, [{ name: 'c', node: product }]);
  const random = randomStream([1]);
  const matrix = (): Float32Array =>
    Float32Array.from({ length: size * size }, (_, index) => random.uniform(index) - 0.5);
  const feeds = { a: bind(matrix(), [size, size]), b: bind(matrix(), [size, size]) };
  const results = { c: bind(new Float32Array(size * size), [size, size]) };
  const seconds: number[] = [];
  for (let repeat = 0; repeat < 60; repeat++) seconds.push(await timed(() => session.run(feeds, results)));
  return {
    gflops: (2 * size ** 3) / median(seconds.slice(10)) / 1e9,
    threads: availableParallelism(),
    memory: peakMemory(),
  };
}

const [kind, name, folder] = process.argv.slice(2);
const presetName = z.enum(presetNames).parse(name ?? 'starter');
const measurements = { train, sample, matmul };
const result = await measurements[z.enum(['train', 'sample', 'matmul']).parse(kind)](presetName, folder);
process.stdout.write(`${JSON.stringify(result)}\n`);
