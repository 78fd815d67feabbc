/** What a critic keeps in a checkpoint: `critic.safetensors` with weights and moments of AdamW, and the number of updates. */
import { join } from 'node:path';
import type { ParameterStore } from '../runtime/parameter-store.ts';
import { writeSafetensors } from '../models/write-checkpoint.ts';
import { readTensors, readUpdates, writeUpdates } from './learner-state.ts';

const tensorsFile = 'critic.safetensors';
const stateFile = 'critic.json';

function tensorsOf(store: ParameterStore) {
  return store.parameters.flatMap(({ name, shape }) => [
    { name: `weight/${name}`, shape, data: store.weights(name) },
    { name: `first/${name}`, shape, data: store.firstMoment(name) },
    { name: `second/${name}`, shape, data: store.secondMoment(name) },
  ]);
}

/** Writes weights and optimizer state of a critic into `directory`. */
export async function saveCritic(directory: string, store: ParameterStore, updates: number): Promise<void> {
  await writeSafetensors(join(directory, tensorsFile), tensorsOf(store));
  await writeUpdates(join(directory, stateFile), updates);
}

/** Reads what `saveCritic` wrote; returns the number of updates done. Throws an environment error when it is damaged. */
export async function restoreCritic(directory: string, store: ParameterStore): Promise<number> {
  await readTensors(join(directory, tensorsFile), tensorsOf(store));
  return readUpdates(join(directory, stateFile));
}
