/** The small reward models of test/fixtures/reward-models with the numbers that transformers computed for them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Checkpoint } from '../../src-main/models/checkpoint.ts';
import { expectedTensors } from '../../src-main/models/expected-tensors.ts';
import { openCheckpoint, readSafetensorsFile } from '../../src-main/models/open-checkpoint.ts';
import { readTensor } from '../../src-main/models/read-tensor.ts';
import { parameterGroups } from '../../src-main/networks/parameter-groups.ts';
import { ParameterStore } from '../../src-main/runtime/parameter-store.ts';
import { loadRewardModel } from '../../src-main/training/reward-model-state.ts';
import type { LearnerSequence } from '../../src-main/training/learner.ts';

export const rewardModelNames = [
  'gpt2-reward',
  'llama-gqa-tied-reward',
  'qwen2-reward',
  'qwen3-reward',
] as const;

export function rewardModelFolder(name: string): string {
  return fileURLToPath(new URL(`../fixtures/reward-models/${name}`, import.meta.url));
}

const referenceSchema = z.object({
  sequences: z.array(z.array(z.int())),
  scores: z.array(z.number()),
  pairLoss: z.number(),
  chosen: z.int(),
  rejected: z.int(),
  padId: z.int(),
});

/** The loss over three pairs through each network, by torch in double precision (test/peers/make_reward_pairs.py). */
export const pairReference = z
  .object({
    pairs: z.array(z.tuple([z.int(), z.int()])),
    margins: z.array(z.number()),
    centering: z.number(),
    adamw: z.object({ learningRate: z.number(), beta1: z.number(), beta2: z.number(), eps: z.number() }),
    network: z.array(
      z.object({
        model: z.string(),
        loss: z.number(),
        gradientNorms: z.record(z.string(), z.number()),
        lossAfter: z.number(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(rewardModelFolder('pair-loss.json'), 'utf8')));

export interface RewardFixture {
  readonly folder: string;
  readonly checkpoint: Checkpoint;
  readonly reference: z.infer<typeof referenceSchema>;
  /** A tensor of reference.safetensors. */
  readonly tensor: (name: string) => Promise<Float32Array>;
}

export async function openRewardFixture(name: string): Promise<RewardFixture> {
  const folder = rewardModelFolder(name);
  const entries = await readSafetensorsFile(`${folder}/reference.safetensors`);
  return {
    folder,
    checkpoint: await openCheckpoint(folder),
    reference: referenceSchema.parse(JSON.parse(readFileSync(`${folder}/reference.json`, 'utf8'))),
    async tensor(key) {
      const entry = entries.find((one) => one.name === key);
      if (entry?.type !== 'F32') throw new Error(`${name} has no reference ${key}`);
      const data = new Float32Array(entry.shape.reduce((product, size) => product * size, 1));
      await readTensor({ ...entry, type: 'F32' }, data);
      return data;
    },
  };
}

/** A store with the weights of the checkpoint. */
export async function openRewardStore(checkpoint: Checkpoint, trainable: boolean): Promise<ParameterStore> {
  const store = await ParameterStore.create(parameterGroups(expectedTensors(checkpoint.config)), trainable);
  await loadRewardModel([store], checkpoint);
  return store;
}

/** A whole text; the first `shared` tokens count as its prompt. */
export function textOf(ids: readonly number[], shared = 1): LearnerSequence {
  return { promptIds: Int32Array.from(ids.slice(0, shared)), answerIds: Int32Array.from(ids.slice(shared)) };
}
