/** The small checkpoints of test/fixtures/models with the numbers that transformers computed for them. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Checkpoint } from '../../src-main/models/checkpoint.ts';
import type { StoredEntry } from '../../src-main/models/open-checkpoint.ts';
import { openCheckpoint, readSafetensorsFile } from '../../src-main/models/open-checkpoint.ts';
import { readTensor } from '../../src-main/models/read-tensor.ts';
import { createParameterStore, loadWeights } from '../../src-main/runtime/load-weights.ts';
import type { ParameterStore } from '../../src-main/runtime/parameter-store.ts';
import type { CompiledLearnerOptions } from '../../src-main/training/compiled-learner.ts';
import { createLearner } from '../../src-main/training/compiled-learner.ts';
import type { Learner, LossSequence } from '../../src-main/training/learner.ts';

export function modelFolder(name: string): string {
  return fileURLToPath(new URL(`../fixtures/models/${name}`, import.meta.url));
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Names of all checkpoints that lie here. */
export const modelNames: readonly string[] = readdirSync(modelFolder('.'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

const referenceSchema = z.object({
  sequences: z.array(z.array(z.int())),
  promptLengths: z.array(z.int()),
  advantages: z.array(z.array(z.number())),
  greedyPrefix: z.int(),
  greedy: z.array(z.array(z.int())),
  loss: z.object({ pg: z.number(), nll: z.number() }),
  'gradNorm.pg': z.number(),
  'gradNorm.nll': z.number(),
  adamw: z.object({
    lr: z.number(),
    betas: z.tuple([z.number(), z.number()]),
    eps: z.number(),
    weightDecay: z.number(),
    clipNorm: z.number(),
    steps: z.array(z.object({ loss: z.number(), gradNorm: z.number() })),
    lossAfter: z.number(),
  }),
});

export interface ModelFixture {
  readonly folder: string;
  readonly checkpoint: Checkpoint;
  readonly reference: z.infer<typeof referenceSchema>;
  /** A tensor of reference.safetensors. */
  readonly tensor: (name: string) => Promise<Float32Array>;
}

export async function openFixture(name: string): Promise<ModelFixture> {
  const folder = modelFolder(name);
  const entries = new Map(
    (await readSafetensorsFile(`${folder}/reference.safetensors`)).map((entry) => [entry.name, entry]),
  );
  return {
    folder,
    checkpoint: await openCheckpoint(folder),
    reference: referenceSchema.parse(readJson(`${folder}/reference.json`)),
    async tensor(key) {
      const entry: StoredEntry | undefined = entries.get(key);
      if (entry?.type !== 'F32') throw new Error(`${name} has no reference ${key}`);
      const data = new Float32Array(entry.shape.reduce((product, size) => product * size, 1));
      await readTensor({ ...entry, type: 'F32' }, data);
      return data;
    },
  };
}

/** A fresh store with the weights of the checkpoint. */
export async function openStore({ checkpoint }: Pick<ModelFixture, 'checkpoint'>): Promise<ParameterStore> {
  const store = await createParameterStore(checkpoint.config, true);
  await loadWeights(store, checkpoint);
  return store;
}

export async function openLearner(
  fixture: Pick<ModelFixture, 'checkpoint' | 'folder'>,
  options: Partial<CompiledLearnerOptions> = {},
): Promise<{ learner: Learner; store: ParameterStore }> {
  const store = options.store ?? (await openStore(fixture));
  const { config } = fixture.checkpoint;
  const learner = await createLearner({
    config,
    store,
    microBatchTokens: 4096,
    sourceFolder: fixture.folder,
    ...options,
  });
  return { learner, store };
}

/** The reference sequences with every token but the first scored. */
export function wholeSequences({ reference }: ModelFixture): LossSequence[] {
  return reference.sequences.map((ids) => lossSequence(ids, 1));
}

/** The reference sequences with their prompts, advantages and the mean over all answer tokens. */
export function lossSequences({ reference }: ModelFixture): LossSequence[] {
  const { sequences, promptLengths, advantages } = reference;
  const total = sequences.reduce((sum, ids, row) => sum + ids.length - promptLengths[row]!, 0);
  return sequences.map((ids, row) => ({
    ...lossSequence(ids, promptLengths[row]!, 1 / total),
    advantages: Float32Array.from(advantages[row]!),
  }));
}

export function lossSequence(ids: readonly number[], promptLength: number, weight = 1): LossSequence {
  const length = ids.length - promptLength;
  return {
    promptIds: Int32Array.from(ids.slice(0, promptLength)),
    answerIds: Int32Array.from(ids.slice(promptLength)),
    advantages: new Float32Array(length).fill(1),
    oldLogprobs: null,
    referenceLogprobs: null,
    weights: new Float32Array(length).fill(weight),
  };
}
