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
import { writeCheckpoint, writeSafetensors } from '../models/write-checkpoint.ts';
import { loadWeights } from '../runtime/load-weights.ts';
import type { ParameterStore } from '../runtime/parameter-store.ts';

/** Folder of the model, and files of the optimizer, inside a checkpoint. */
const modelFolder = 'model';
const momentsFile = 'optimizer.safetensors';
const stateFile = 'optimizer.json';

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
    tensors: store.parameters.map(({ name, shape }) => ({ name, shape, data: store.weights(name) })),
    copyFrom: sourceFolder,
  });
  const moments = store.parameters.flatMap(({ name, shape }) => [
    { name: `first/${name}`, shape, data: store.firstMoment(name) },
    { name: `second/${name}`, shape, data: store.secondMoment(name) },
  ]);
  await writeSafetensors(join(directory, momentsFile), moments);
  await writeFile(join(directory, stateFile), JSON.stringify({ version: 1, updates }));
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
  const path = join(directory, momentsFile);
  const stored = new Map((await readSafetensorsFile(path)).map((entry) => [entry.name, entry]));
  for (const { name } of store.parameters) {
    for (const [key, target] of [
      [`first/${name}`, store.firstMoment(name)],
      [`second/${name}`, store.secondMoment(name)],
    ] as const) {
      const entry = stored.get(key);
      if (entry?.type !== 'F32' || entry.byteLength !== target.byteLength)
        throw damaged(path, `it lacks ${key}, or has it in another size`);
      await readTensor({ ...entry, type: 'F32' }, target);
    }
  }
  return readUpdates(join(directory, stateFile));
}

async function readUpdates(path: string): Promise<number> {
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
