/**
 * What the host itself reads of models and data: configurations, weight headers, rows. Tokenizers are never
 * loaded here, because a broken one can abort its process; what needs tokens is checked by the trainer.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { userError } from '../contract/errors.ts';
import { previewDataset, type DataPreview } from '../datasets/preview.ts';
import { loadChatTemplate } from '../models/chat-template.ts';
import { parameterCount } from '../models/expected-tensors.ts';
import { readModelCard, type ModelCard } from '../models/model-card.ts';
import { readModelConfig } from '../models/read-config.ts';
import { absolutePath, builtinPrefix, modelFolder } from './experiment-paths.ts';

/**
 * The card of a model folder or `builtin:NAME`. With `weights: false` only the configuration is needed, for
 * models that start from random weights.
 * @throws user errors of `readModelConfig` and `openCheckpoint`, `model-builtin-unknown`, `tokenizer-missing`
 */
export async function inspectModel(
  path: string,
  modelsDirectory: string,
  options: { weights?: boolean } = {},
): Promise<ModelCard> {
  const folder = modelFolder(path, modelsDirectory);
  const card = options.weights === false ? await cardWithoutWeights(folder) : await readModelCard(folder);
  if (!existsSync(join(folder, 'tokenizer.json'))) {
    throw userError('tokenizer-missing', 'The model folder has no tokenizer.json.', {
      where: folder,
      advice:
        'Download or copy the model again with all of its files; Espalier reads tokenizers in the tokenizer.json format.',
    });
  }
  return path.startsWith(builtinPrefix) ? { ...card, path, name: path.slice(builtinPrefix.length) } : card;
}

async function cardWithoutWeights(folder: string): Promise<ModelCard> {
  const { config } = await readModelConfig(folder);
  return {
    path: folder,
    name: basename(folder),
    family: config.architecture,
    parameters: parameterCount(config),
    context: config.maxPositions,
    vocabulary: config.vocabularySize,
    hasChatTemplate: (await loadChatTemplate(folder)) !== null,
    bytes: 0,
    about: null,
  };
}

/** Columns and first rows of a data file. */
export function previewData(path: string, rows: number): Promise<DataPreview> {
  return previewDataset(absolutePath(path, process.cwd()), rows);
}
