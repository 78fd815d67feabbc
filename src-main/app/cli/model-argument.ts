/** The model that a command names: a checkpoint folder, `builtin:NAME`, a fetched one, or a run (its best checkpoint). */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { CheckpointRow } from '../../store/run-rows.ts';
import { EspalierError, userError } from '../../contract/errors.ts';
import { absolutePath, builtinModels, modelFolder } from '../experiment-paths.ts';
import { builtinModelsDirectory } from '../host-paths.ts';
import { hubCache } from '../hub/hub-settings.ts';
import { listModels } from '../model-library.ts';
import type { CommandContext } from './command.ts';
import { findRun, reading, resourcesDirectory } from './open-services.ts';

export interface NamedModel {
  /** Absolute path of a Hugging Face folder. */
  readonly folder: string;
  readonly run: string | null;
  readonly checkpoint: CheckpointRow | null;
}

function isFolder(file: string): boolean {
  return existsSync(file) && statSync(file).isDirectory();
}

async function modelOfRun(context: CommandContext, name: string, role: 'best' | 'last'): Promise<NamedModel> {
  return reading(context, async (services) => {
    const { id } = await findRun(services, name);
    const { checkpoints } = await services.call('runs.get', { runId: id });
    const checkpoint = checkpoints.find((row) => row.role === role) ?? checkpoints[0];
    if (checkpoint === undefined) {
      throw userError('checkpoint-missing', `The run ${id} has no checkpoint yet.`, {
        advice: 'Wait for its first checkpoint, or stop it: that saves one.',
      });
    }
    const folder = path.join(checkpoint.path, 'model');
    if (!isFolder(folder)) {
      throw new EspalierError('environment', 'checkpoint-missing', 'The folder of this checkpoint is gone.', {
        where: folder,
        advice: 'It was moved or removed; put it back, or train again.',
      });
    }
    return { folder, run: id, checkpoint };
  });
}

/** The folder of a model of the Hugging Face cache, by its name there: the branch main where there are several. */
async function fetchedModel(context: CommandContext, name: string): Promise<string | null> {
  const places = { builtin: '', data: '', cache: hubCache(context.environment), folders: [] };
  const found = (await listModels(places, ['cache'])).filter((model) => model.name === name);
  return (found.find(({ revision }) => revision === 'main') ?? found[0])?.path ?? null;
}

/**
 * Finds the model. A path that exists is a folder, `builtin:NAME` a model that ships, `owner/name` a model of the
 * Hugging Face cache, anything else without a slash a run; `role` says which of its checkpoints (the other one where there is only that).
 * @throws EspalierError `model-unknown`, `checkpoint-missing`, `run-ambiguous`, `model-builtin-unknown`
 */
export async function findModel(
  context: CommandContext,
  name: string,
  role: 'best' | 'last' = 'best',
): Promise<NamedModel> {
  const models = builtinModelsDirectory({
    dataDirectory: context.dataDirectory,
    resourcesDirectory: resourcesDirectory(context),
  });
  if (name.startsWith('builtin:')) return { folder: modelFolder(name, models), run: null, checkpoint: null };
  const folder = absolutePath(name, context.workingDirectory);
  if (isFolder(folder)) return { folder, run: null, checkpoint: null };
  const builtins = builtinModels(models).map((each) => `builtin:${each}`);
  const advice = `MODEL is a checkpoint folder, ${builtins.length === 0 ? '' : `${builtins.join(', ')}, `}a model of "espalier models", or a run of "espalier runs".`;
  if (existsSync(folder)) {
    throw userError('model-unknown', 'A model is a folder, and this is a file.', { where: folder, advice });
  }
  if (/[\\/]/.test(name)) {
    const fetched = await fetchedModel(context, name);
    if (fetched !== null) return { folder: fetched, run: null, checkpoint: null };
    const fetch = /^[\w.-]+\/[\w.-]+$/.test(name)
      ? ` "espalier fetch ${name}" fetches it, if it is a model of the Hugging Face Hub.`
      : '';
    throw userError('model-unknown', 'There is no such folder.', { where: folder, advice: advice + fetch });
  }
  try {
    return await modelOfRun(context, name, role);
  } catch (error) {
    if (!(error instanceof EspalierError) || error.code !== 'run-unknown') throw error;
    throw userError('model-unknown', `There is no folder and no run "${name}".`, { where: folder, advice });
  }
}
