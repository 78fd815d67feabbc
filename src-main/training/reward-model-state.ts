/** What a reward model in training keeps in a checkpoint: `model/` in the Hugging Face format, and the state of AdamW. */
import { join } from 'node:path';
import type { Checkpoint } from '../models/checkpoint.ts';
import type { ModelConfig } from '../models/config.ts';
import { openCheckpoint } from '../models/open-checkpoint.ts';
import { classifierNames } from '../models/read-config.ts';
import { readTensor } from '../models/read-tensor.ts';
import { writeCheckpoint, writeSafetensors } from '../models/write-checkpoint.ts';
import type { ParameterStore } from '../runtime/parameter-store.ts';
import {
  modelFolder,
  momentsFile,
  momentsOf,
  readTensors,
  readUpdates,
  stateFile,
  weightsOf,
  writeUpdates,
} from './learner-state.ts';

/** A whole reward model: its weights may lie in several stores. */
export interface SavedRewardModel {
  readonly stores: readonly ParameterStore[];
  readonly rawConfig: Readonly<Record<string, unknown>>;
  /** Folder that the tokenizer comes from. */
  readonly sourceFolder: string;
}

/**
 * The `config.json` of a reward model made from any model of the architecture: its class for sequence classification with
 * one label.
 */
export function rewardModelConfig(
  raw: Readonly<Record<string, unknown>>,
  { architecture, padId }: Pick<ModelConfig, 'architecture' | 'padId'>,
): Record<string, unknown> {
  const { num_labels: _count, problem_type: _type, ...rest } = raw;
  return {
    ...rest,
    architectures: [classifierNames[architecture]],
    id2label: { 0: 'reward' },
    label2id: { reward: 0 },
    pad_token_id: padId,
  };
}

/** Reads the weights of a reward model into stores that hold them all together. */
export async function loadRewardModel(
  stores: readonly ParameterStore[],
  checkpoint: Checkpoint,
): Promise<void> {
  for (const store of stores) {
    for (const { name } of store.parameters) {
      const stored = checkpoint.tensors.get(name);
      if (!stored) throw new Error(`internal: checkpoint without ${name}`);
      await readTensor(stored, store.weights(name));
    }
  }
}

/** Writes weights and optimizer state below `directory`. `trained` has the state. */
export async function saveRewardModel(
  directory: string,
  model: SavedRewardModel,
  trained: ParameterStore,
  updates: number,
): Promise<void> {
  await writeCheckpoint({
    folder: join(directory, modelFolder),
    rawConfig: model.rawConfig,
    tensors: model.stores.flatMap(weightsOf),
    copyFrom: model.sourceFolder,
  });
  await writeSafetensors(join(directory, momentsFile), momentsOf(trained));
  await writeUpdates(join(directory, stateFile), updates);
}

/** Reads what `saveRewardModel` wrote; returns the number of updates done. Throws an environment error when it is damaged. */
export async function restoreRewardModel(
  directory: string,
  stores: readonly ParameterStore[],
  trained: ParameterStore,
): Promise<number> {
  await loadRewardModel(stores, await openCheckpoint(join(directory, modelFolder)));
  await readTensors(join(directory, momentsFile), momentsOf(trained));
  return readUpdates(join(directory, stateFile));
}
