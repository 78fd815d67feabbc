/**
 * What the host itself reads of models and data: configurations, weight headers, rows. Tokenizers are never
 * loaded here, because a broken one can abort its process; what needs tokens is checked by the trainer.
 */
import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import type { modelCardSchema } from '../contract/calls.ts';
import { EspalierError, userError } from '../contract/errors.ts';
import type { DataPreview } from '../datasets/preview.ts';
import { previewDataset } from '../datasets/preview.ts';
import { parameterCount } from '../models/expected-tensors.ts';
import { openCheckpoint } from '../models/open-checkpoint.ts';
import { readModelConfig } from '../models/read-config.ts';
import { absolutePath, builtinModels, modelFolder } from './experiment-paths.ts';

export type ModelCard = z.infer<typeof modelCardSchema>;

/** Characters of a model's description that are shown. */
const aboutLimit = 4_000;
const aboutFiles = ['MODEL.md', 'README.md'];

/**
 * The card of a model folder or `builtin:NAME`. With `weights: false` only the configuration is needed, for
 * models that start from random weights.
 * @throws user errors of `readModelConfig` and `openCheckpoint`, `tokenizer-missing`
 */
export async function inspectModel(
  path: string,
  modelsDirectory: string,
  options: { weights?: boolean } = {},
): Promise<ModelCard> {
  const folder = modelFolder(path, modelsDirectory);
  const checkpoint = options.weights === false ? null : await openCheckpoint(folder);
  const config = checkpoint === null ? (await readModelConfig(folder)).config : checkpoint.config;
  if (!existsSync(join(folder, 'tokenizer.json'))) {
    throw userError('tokenizer-missing', 'The model folder has no tokenizer.json.', {
      where: folder,
      advice:
        'Download or copy the model again with all of its files; Espalier reads tokenizers in the tokenizer.json format.',
    });
  }
  const bytes =
    checkpoint === null
      ? 0
      : [...checkpoint.tensors.values()].reduce((sum, tensor) => sum + tensor.byteLength, 0);
  return {
    path: path.startsWith('builtin:') ? path : folder,
    name: path.startsWith('builtin:') ? path.slice('builtin:'.length) : basename(folder),
    family: config.architecture,
    parameters: parameterCount(config),
    context: config.maxPositions,
    vocabulary: config.vocabularySize,
    hasChatTemplate: await hasChatTemplate(folder),
    bytes,
    about: await about(folder),
  };
}

/** The models that ship. One that cannot be read is left out: `models.inspect` says why. */
export async function listModels(modelsDirectory: string): Promise<ModelCard[]> {
  const cards = await Promise.all(
    builtinModels(modelsDirectory).map((name) =>
      inspectModel(`builtin:${name}`, modelsDirectory).catch((error: unknown) => {
        if (error instanceof EspalierError) return null;
        throw error;
      }),
    ),
  );
  return cards.filter((card) => card !== null);
}

/** Columns and first rows of a data file. */
export function previewData(path: string, rows: number): Promise<DataPreview> {
  return previewDataset(absolutePath(path, process.cwd()), rows);
}

async function hasChatTemplate(folder: string): Promise<boolean> {
  if (existsSync(join(folder, 'chat_template.jinja'))) return true;
  const text = await readStart(join(folder, 'tokenizer_config.json'), 16 * 1024 * 1024);
  // A whole-file search is enough for a card: the trainer parses the file.
  return text !== null && /"chat_template"\s*:\s*["[]/.test(text);
}

async function about(folder: string): Promise<string | null> {
  for (const name of aboutFiles) {
    const text = await readStart(join(folder, name), aboutLimit * 4);
    if (text === null) continue;
    // The front matter of a model card from the Hub is for machines.
    return text
      .replace(/^---\n[\s\S]*?\n---\n/, '')
      .trim()
      .slice(0, aboutLimit)
      .toWellFormed();
  }
  return null;
}

/** The first bytes of a file as text; null where there is none. */
async function readStart(path: string, limit: number): Promise<string | null> {
  const status = await stat(path).catch(() => null);
  if (status === null || !status.isFile()) return null;
  await using handle = await open(path, 'r');
  const buffer = Buffer.alloc(Math.min(limit, status.size));
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
  return buffer.toString('utf8', 0, bytesRead);
}
