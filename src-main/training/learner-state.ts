/** What a learner keeps in a checkpoint: `model/` in the Hugging Face format, and `optimizer.safetensors` with the moments of AdamW. */
import { join } from 'node:path';
import { z } from 'zod';
import { readFile, writeFile } from 'node:fs/promises';
import { EspalierError } from '../contract/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import { matchTensors } from '../models/expected-tensors.ts';
import { openCheckpoint, readSafetensorsFile } from '../models/open-checkpoint.ts';
import { readModelConfig } from '../models/read-config.ts';
import { readTensor } from '../models/read-tensor.ts';
import { isValueHeadTensor } from '../networks/value-head.ts';
import { writeCheckpoint, writeSafetensors } from '../models/write-checkpoint.ts';
import { loadWeights } from '../runtime/load-weights.ts';
import type { ParameterStore } from '../runtime/parameter-store.ts';

/** Folder of the model, and files of the optimizer, inside a checkpoint. */
export const modelFolder = 'model';
export const momentsFile = 'optimizer.safetensors';
export const stateFile = 'optimizer.json';
/** Weights of a value head, which the Hugging Face format has no place for. */
const valueHeadFile = 'value-head.safetensors';

const stateSchema = z.strictObject({ version: z.literal(1), updates: z.int().min(0) });

/** Writes weights and optimizer state into `directory`. `sourceFolder` gives configuration and tokenizer. */
export async function saveLearner(
  directory: string,
  store: ParameterStore,
  sourceFolder: string,
  updates: number,
): Promise<void> {
  const { raw } = await readModelConfig(sourceFolder);
  await writeCheckpoint({
    folder: join(directory, modelFolder),
    rawConfig: raw,
    tensors: weightsOf(store).filter(({ name }) => !isValueHeadTensor(name)),
    copyFrom: sourceFolder,
  });
  const valueHead = weightsOf(store).filter(({ name }) => isValueHeadTensor(name));
  if (valueHead.length > 0) await writeSafetensors(join(directory, valueHeadFile), valueHead);
  await writeSafetensors(join(directory, momentsFile), momentsOf(store));
  await writeUpdates(join(directory, stateFile), updates);
}

interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** All weights of a store. */
export function weightsOf(store: ParameterStore): NamedTensor[] {
  return store.parameters.map(({ name, shape }) => ({ name, shape, data: store.weights(name) }));
}

/** Both moments of AdamW of every weight. */
export function momentsOf(store: ParameterStore): NamedTensor[] {
  return store.parameters.flatMap(({ name, shape }) => [
    { name: `first/${name}`, shape, data: store.firstMoment(name) },
    { name: `second/${name}`, shape, data: store.secondMoment(name) },
  ]);
}

/** Writes the number of updates done. */
export async function writeUpdates(path: string, updates: number): Promise<void> {
  await writeFile(path, JSON.stringify({ version: 1, updates }));
}

/** Reads tensors of a file into arrays. Throws an environment error where one is missing or has another size. */
export async function readTensors(path: string, targets: readonly NamedTensor[]): Promise<void> {
  const stored = new Map((await readSafetensorsFile(path)).map((entry) => [entry.name, entry]));
  for (const { name, data } of targets) {
    const entry = stored.get(name);
    if (entry?.type !== 'F32' || entry.byteLength !== data.byteLength)
      throw damaged(path, `it lacks ${name}, or has it in another size`);
    await readTensor({ ...entry, type: 'F32' }, data);
  }
}

/** Reads what `saveLearner` wrote; returns the number of updates done. Throws an environment error when it is damaged. */
export async function restoreLearner(
  directory: string,
  store: ParameterStore,
  config: ModelConfig,
): Promise<number> {
  const checkpoint = await openCheckpoint(join(directory, modelFolder));
  matchTensors(config, checkpoint.tensors, checkpoint.folder);
  await loadWeights(store, checkpoint);
  const valueHead = weightsOf(store).filter(({ name }) => isValueHeadTensor(name));
  if (valueHead.length > 0) await readTensors(join(directory, valueHeadFile), valueHead);
  await readTensors(join(directory, momentsFile), momentsOf(store));
  return readUpdates(join(directory, stateFile));
}

/** Reads the number of updates done. Throws an environment error when it is damaged. */
export async function readUpdates(path: string): Promise<number> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw damaged(path, 'the number of updates is missing or cut off', error);
  }
  const state = stateSchema.safeParse(content);
  if (!state.success) throw damaged(path, 'its content is not what Espalier writes');
  return state.data.updates;
}

function damaged(where: string, problem: string, cause?: unknown): EspalierError {
  return new EspalierError(
    'environment',
    'checkpoint-damaged',
    `The checkpoint cannot be read: ${problem}.`,
    {
      where,
      advice: 'Resume from another checkpoint of this run, or start it anew.',
      cause,
    },
  );
}
