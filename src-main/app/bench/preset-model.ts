/** The model of a benchmark: the weights that a peer wrote, or random ones in the shape of a preset. */
import { randomStream } from '../../contract/random.ts';
import type { ModelConfig } from '../../models/config.ts';
import { openCheckpoint } from '../../models/open-checkpoint.ts';
import { createParameterStore, initialiseWeights, loadWeights } from '../../runtime/load-weights.ts';
import type { ParameterStore } from '../../runtime/parameter-store.ts';
import type { PresetName } from './presets.ts';
import { presetConfig } from './presets.ts';

export interface PresetModel {
  readonly config: ModelConfig;
  readonly store: ParameterStore;
}

/**
 * Loads the weights of a folder, or draws them.
 * @param trainable whether there is room for gradients and optimizer state
 * @throws user errors of a folder that is no checkpoint
 */
export async function presetModel(
  name: PresetName,
  folder: string | undefined,
  trainable: boolean,
): Promise<PresetModel> {
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

/** Token ids without the special tokens 0, 1, 2; another list for each row. */
export function randomIds(count: number, vocabulary: number, row: number): Int32Array {
  const random = randomStream([0, row]);
  return Int32Array.from(
    { length: count },
    (_, index) => 3 + Math.floor(random.uniform(index) * (vocabulary - 3)),
  );
}
