/**
 * The whole path against mathematics: a checkpoint whose vocabulary is so small that every answer can be gone
 * through. The mean gradient of 2,000 training steps, with the real sampler, graph and learner, must be the exact
 * gradient of the expected reward as far as chance allows.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runConfigSchema } from '../../../src-main/contract/experiment.ts';
import { uniform } from '../../../src-main/contract/random.ts';
import { estimatorSpec } from '../../../src-main/estimators/index.ts';
import { openCheckpoint } from '../../../src-main/models/open-checkpoint.ts';
import { readModelConfig } from '../../../src-main/models/read-config.ts';
import { createSampler } from '../../../src-main/rollout/create-sampler.ts';
import type { Sampler } from '../../../src-main/rollout/sampler.ts';
import { createParameterStore, loadWeights } from '../../../src-main/runtime/load-weights.ts';
import type { ParameterStore } from '../../../src-main/runtime/parameter-store.ts';
import { createLearner } from '../../../src-main/training/compiled-learner.ts';
import type { Learner, LossSequence } from '../../../src-main/training/learner.ts';
import { initialLoopState } from '../../../src-main/training/loop-state.ts';
import { rolloutStep } from '../../../src-main/training/rollout-step.ts';
import type { PreparedPrompt, TrainingParts } from '../../../src-main/training/training-parts.ts';
import { noKl, plainLoss } from '../../helpers/loss-forms.ts';
import { fillRandom } from '../../helpers/tiny-model.ts';

const steps = 2000;
const vocabulary = 4;
const stop = 3;
const maxTokens = 3;
/** Learning and sampling share it; not 1, so that a place that forgets it shows. */
const temperature = 1.25;
const prompts = [Int32Array.of(0, 2), Int32Array.of(1)];

let folder: string;
let store: ParameterStore;
let learner: Learner;
let sampler: Sampler;
let exact: Float64Array;

/** Writes a checkpoint of random weights and opens it again. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-exact-'));
  const source = join(folder, 'source');
  const fixture = resolve('test/fixtures/models/llama-gqa-tied');
  await mkdir(source);
  const settings: unknown = JSON.parse(await readFile(join(fixture, 'config.json'), 'utf8'));
  const small = {
    vocab_size: vocabulary,
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: 4,
    bos_token_id: null,
    pad_token_id: null,
    eos_token_id: stop,
    rope_scaling: null,
  };
  await writeFile(join(source, 'config.json'), JSON.stringify({ ...(settings as object), ...small }));
  await copyFile(join(fixture, 'tokenizer.json'), join(source, 'tokenizer.json'));
  const { config } = await readModelConfig(source);
  const drawn = await createParameterStore(config, true);
  fillRandom(drawn, 5);
  const writer = await createLearner({ config, store: drawn, microBatchTokens: 256, sourceFolder: source });
  await mkdir(join(folder, 'saved'));
  await writer.save(join(folder, 'saved'));
  await writer.dispose();
  const checkpoint = await openCheckpoint(join(folder, 'saved', 'model'));
  store = await createParameterStore(checkpoint.config, true);
  await loadWeights(store, checkpoint);
  learner = await createLearner({
    config: checkpoint.config,
    store,
    microBatchTokens: 256,
    sourceFolder: join(folder, 'saved', 'model'),
  });
  sampler = await createSampler({ config: checkpoint.config, weights: store });
  exact = await exactGradient();
});
afterAll(async () => {
  await sampler.dispose();
  await learner.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** Any number for any answer, the same each time; it depends on every token. */
function rewardOf(prompt: number, ids: ArrayLike<number>): number {
  return 2 * uniform([77, prompt, ...Array.from(ids)], 0) - (ids.length > 2 ? 0.5 : 0);
}

/** Every answer: it ends with the stop token or after `maxTokens`. */
function everyAnswer(): Int32Array[] {
  const finished: number[][] = [];
  let open: number[][] = [[]];
  for (let length = 1; length <= maxTokens; length++) {
    const longer = open.flatMap((ids) => Array.from({ length: vocabulary }, (_, id) => [...ids, id]));
    finished.push(...longer.filter((ids) => ids.at(-1) === stop || length === maxTokens));
    open = longer.filter((ids) => ids.at(-1) !== stop);
  }
  return finished.map((ids) => Int32Array.from(ids));
}

function gradientNow(): Float64Array {
  return Float64Array.from(store.parameters.flatMap(({ name }) => [...store.gradient(name)]));
}

const still = {
  learningRate: 0,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  clipNorm: null,
} as const;

/** −∇ of the expected reward, mean over the questions: Σ p(answer) · R · ∇(−log p), every p from the learner itself. */
async function exactGradient(): Promise<Float64Array> {
  const sequences: LossSequence[] = [];
  for (const [prompt, promptIds] of prompts.entries()) {
    const answers = everyAnswer().map((answerIds) => ({ promptIds, answerIds }));
    const scores = await learner.score(answers, temperature);
    let total = 0;
    for (const [place, { answerIds }] of answers.entries()) {
      const probability = Math.exp(scores[place]!.logprobs.reduce((sum, value) => sum + value, 0));
      total += probability;
      const advantage = (probability * rewardOf(prompt, answerIds)) / prompts.length;
      sequences.push({
        promptIds,
        answerIds,
        advantages: new Float32Array(answerIds.length).fill(advantage),
        oldLogprobs: null,
        referenceLogprobs: null,
        weights: new Float32Array(answerIds.length).fill(1),
      });
    }
    expect(total).toBeCloseTo(1, 5);
  }
  await learner.accumulate(sequences, plainLoss, noKl, temperature);
  const gradient = gradientNow();
  learner.step(still);
  return gradient;
}

interface Averaged {
  readonly mean: Float64Array;
  /** Trace of the covariance of one step, and of the mean. */
  readonly variance: number;
  /** Coefficient of each step along the exact gradient, with its standard error. */
  readonly scale: number;
  readonly scaleError: number;
}

/** The mean gradient of many steps of a method, weights unchanged. */
async function averageGradient(method: Record<string, unknown>): Promise<Averaged> {
  const config = runConfigSchema.parse({
    version: 1,
    name: 'exact',
    model: { path: folder },
    data: { path: folder },
    reward: { components: [{ kind: 'exact' }] },
    method,
    budget: { promptsPerStep: prompts.length, maxTokens, temperature },
    seed: 11,
  });
  const asked = prompts.map((promptIds, index): PreparedPrompt => ({
    index,
    row: {},
    question: '',
    prompt: '',
    promptIds,
    reference: '',
    answerIds: null,
  }));
  const sum = new Float64Array(exact.length);
  const along = dot(exact, exact);
  let squares = 0;
  let scales = 0;
  let scaleSquares = 0;
  const parts: TrainingParts = {
    config,
    spec: estimatorSpec(config.method, config.budget),
    train: asked,
    evaluation: [],
    stopIds: [stop],
    learner: {
      score: (...given) => learner.score(...given),
      accumulate: (...given) => learner.accumulate(...given),
      accumulatePreference: (...given) => learner.accumulatePreference(...given),
      step(settings) {
        const gradient = gradientNow();
        gradient.forEach((value, place) => (sum[place]! += value));
        squares += dot(gradient, gradient);
        const scale = dot(gradient, exact) / along;
        scales += scale;
        scaleSquares += scale * scale;
        return learner.step(settings);
      },
      keepReference: () => learner.keepReference(),
      save: (directory) => learner.save(directory),
      restore: (directory) => learner.restore(directory),
      dispose: () => learner.dispose(),
    },
    sampler,
    decode: async (answers) => answers.map(({ ids }) => ({ text: ids.join(' ') })),
    grade: async (_split, answers) =>
      answers.map(({ prompt, text }) => {
        const value = rewardOf(prompt.index, text.split(' ').map(Number));
        return { total: value, components: [{ name: 'table', value, reason: '' }] };
      }),
    identity: { config: '', model: '', data: '' },
    facts: {
      model: { family: 'llama', parameters: exact.length, hash: '' },
      data: { trainRows: 2, evaluationRows: 0, droppedRows: 0, hash: '' },
      estimatedMemory: 0,
      device: 'cpu',
    },
    emit: () => {},
    now: () => performance.now(),
    memory: () => 0,
    stopRequested: () => false,
    pause: async () => {},
  };
  let state = initialLoopState(parts.identity);
  for (let step = 0; step < steps; step++) {
    const { change, applied } = await rolloutStep(parts, asked, state, still);
    expect(applied).toBe(true);
    state = { ...state, ...change, step: step + 1 };
  }
  const mean = sum.map((value) => value / steps);
  return {
    mean,
    variance: squares / steps - dot(mean, mean),
    scale: scales / steps,
    scaleError: Math.sqrt((scaleSquares / steps - (scales / steps) ** 2) / steps),
  };
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, place) => sum + value * b[place]!, 0);
}

describe(`the mean gradient of ${steps} steps`, () => {
  const group = 4;
  // Dr. GRPO is right up to (group − 1) / group; `constant` divides by the longest answer.
  const methods: [name: string, method: Record<string, unknown>, factor: number][] = [
    ['reinforce', { estimator: 'reinforce', groupSize: group }, 1],
    ['rloo', { estimator: 'rloo', groupSize: group }, 1],
    ['dr-grpo', { estimator: 'dr-grpo', groupSize: group }, (group - 1) / (group * maxTokens)],
    ['remax', { estimator: 'remax', groupSize: group }, 1],
    [
      'vineppo',
      { estimator: 'vineppo', groupSize: 2, anchorRule: 'stride', anchorStride: 2, continuations: 2 },
      1 / maxTokens,
    ],
    [
      'trepo (segment)',
      { estimator: 'trepo', groupSize: 2, anchorChance: 0.5, continuations: 2 },
      1 / maxTokens,
    ],
    [
      'trepo (sparse)',
      { estimator: 'trepo', groupSize: 2, anchorBetween: 'sparse', anchorChance: 0.7, continuations: 2 },
      1 / maxTokens,
    ],
  ];

  it.each(methods)('of %s is the exact one', async (_name, method, factor) => {
    const { mean, variance, scale, scaleError } = await averageGradient(method);
    const error = mean.map((value, place) => value - factor * exact[place]!);
    const chance = variance / steps;
    const size = Math.sqrt(dot(exact, exact)) * factor;
    // The measurement is sharp enough to show a bias of a tenth of the gradient.
    expect(Math.sqrt(chance) / size).toBeLessThan(0.12);
    // The squared error is its expectation times something near 1: 3 leaves room for few independent directions.
    expect(dot(error, error) / chance).toBeLessThan(3);
    expect(Math.abs(scale - factor)).toBeLessThan(3.5 * scaleError);
  });

  it('of methods that are biased is not', async () => {
    const { scale, scaleError, mean, variance } = await averageGradient({
      estimator: 'grpo',
      groupSize: group,
    });
    const error = mean.map((value, place) => value - scale * exact[place]!);
    expect(Math.abs(scale - 1)).toBeGreaterThan(5 * scaleError);
    expect(dot(error, error) / (variance / steps)).toBeGreaterThan(3);
  });
});
