/**
 * Opens a Hugging Face checkpoint folder: reads its configuration and finds where each weight lies in its safetensors
 * file or shards. Reads headers only, no weights. Symbolic links are followed to the real files, since ONNX Runtime
 * refuses links that leave their folder, as those of the Hub's cache do.
 */
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { userError } from '../contract/errors.ts';
import type { Checkpoint, StoredTensor, StoredType } from './checkpoint.ts';
import { embeddingName, matchTensors } from './expected-tensors.ts';
import { readModelConfig } from './read-config.ts';
import { isAbsent, readJsonFile } from './read-json.ts';
import { headerLength, parseHeader } from './safetensors-header.ts';
import type { HeaderEntry } from './safetensors-header.ts';
import { sameContent } from './read-tensor.ts';

/** A tensor that a safetensors file holds, of any type of the format; `file` is the real path. */
export interface StoredEntry extends HeaderEntry {
  readonly file: string;
}

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });
const storedTypes: readonly string[] = ['F32', 'F16', 'BF16'] satisfies readonly StoredType[];

function isStored(entry: StoredEntry): entry is StoredEntry & { readonly type: StoredType } {
  return storedTypes.includes(entry.type);
}

/** What the header of one safetensors file says, with links resolved. Throws user errors `weights-missing` and `weights-damaged`. */
export async function readSafetensorsFile(path: string): Promise<StoredEntry[]> {
  let file: string;
  try {
    file = await realpath(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    throw userError(
      'weights-missing',
      `The weights file ${basename(path)} is missing, or is a link that leads nowhere.`,
      {
        where: path,
        advice: 'Download or copy the model again, with all of its files.',
        cause: error,
      },
    );
  }
  await using handle = await open(file, 'r');
  const status = await handle.stat();
  if (!status.isFile()) {
    throw userError('weights-damaged', `${basename(path)} is not a file.`, {
      where: path,
      advice: 'Download or copy the model again.',
    });
  }
  const start = new Uint8Array(24);
  await handle.read(start, 0, start.byteLength, 0);
  const length = headerLength(start, status.size, path);
  const header = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(header, done, length - done, 8 + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return parseHeader(header.subarray(0, done), status.size, path).map((entry) => ({ ...entry, file }));
}

/** Says what the folder holds instead of safetensors weights, and what to do about it. */
async function missingWeights(folder: string): Promise<Error> {
  const names = await readdir(folder);
  const has = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
  if (has(/^adapter_(config\.json|model\.)/)) {
    return userError('weights-missing', 'This folder holds an adapter (LoRA), not a whole model.', {
      where: folder,
      advice: 'Choose the folder of the model that the adapter was trained on.',
    });
  }
  const other = (
    [
      [/\.(bin|pt|pth)$/, 'PyTorch files (.bin)'],
      [/\.gguf$/, 'GGUF files'],
      [/\.(h5|msgpack)$/, 'TensorFlow or Flax files'],
      [/\.onnx$/, 'ONNX files'],
      [/^consolidated.*\.safetensors$/, 'weights in another layout (consolidated)'],
    ] as const
  ).find(([pattern]) => has(pattern));
  const advice =
    'Use a folder with model.safetensors. Most models on the Hub have one; in Python, model.save_pretrained(folder) writes one.';
  return userError(
    'weights-missing',
    other === undefined
      ? 'The model folder holds no weights: there is neither model.safetensors nor model.safetensors.index.json.'
      : `The model folder holds its weights only as ${other[1]}, which cannot be read; model.safetensors is missing.`,
    { where: folder, advice },
  );
}

/** The tensors of the files that an index lists. Throws user errors `weights-damaged` and `weights-missing`. */
async function readShards(
  folder: string,
  indexPath: string,
  weights: Readonly<Record<string, string>>,
): Promise<Map<string, StoredEntry>> {
  const tensors = new Map<string, StoredEntry>();
  for (const shard of new Set(Object.values(weights))) {
    if (!/^[^/\\\0]+\.safetensors$/.test(shard)) {
      throw userError(
        'weights-damaged',
        `The index names the file ${JSON.stringify(shard)}, which is not a safetensors file in this folder.`,
        {
          where: indexPath,
          advice: 'Download or copy the model again.',
        },
      );
    }
    for (const entry of await readSafetensorsFile(join(folder, shard))) {
      // A tensor that the index places in another file (or does not list) is not part of the model.
      if (Object.hasOwn(weights, entry.name) && weights[entry.name] === shard) tensors.set(entry.name, entry);
    }
  }
  const lost = Object.entries(weights).find(([name]) => !tensors.has(name));
  if (lost !== undefined) {
    throw userError(
      'weights-damaged',
      `The tensor "${lost[0]}" is not in ${lost[1]}, where the index places it.`,
      {
        where: indexPath,
        advice: 'Download or copy the model again.',
      },
    );
  }
  return tensors;
}

/**
 * Every tensor that the safetensors file or shards of a folder hold, by its stored name. Throws user errors:
 * `weights-missing` (none, or a shard; says what is there instead) and `weights-damaged`.
 */
export async function readStoredTensors(folder: string): Promise<Map<string, StoredEntry>> {
  const single = join(folder, 'model.safetensors');
  const names = new Set(await readdir(folder));
  if (names.has('model.safetensors')) {
    return new Map((await readSafetensorsFile(single)).map((entry) => [entry.name, entry]));
  }
  const indexPath = `${single}.index.json`;
  const index = await readJsonFile(indexPath, indexSchema, 64 * 1024 * 1024);
  if (index === null) throw await missingWeights(folder);
  return readShards(folder, indexPath, index.weight_map);
}

/**
 * Opens the checkpoint in `folder`. Its `tensors` have exactly the names of `expectedTensors`, in that order, with the
 * shapes it asks for. Throws user errors: `model-not-found`, `model-unsupported`, `model-config-invalid`,
 * `weights-missing`, `weights-damaged`, `model-tensors-wrong`.
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const status = await stat(folder).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
  if (!status?.isDirectory()) {
    throw userError('model-not-found', 'There is no model folder here.', {
      where: folder,
      advice:
        'Choose a Hugging Face model folder: it holds config.json, tokenizer.json and model.safetensors.',
    });
  }
  const { config, raw } = await readModelConfig(folder);
  const stored = await readStoredTensors(folder);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of matchTensors(config, stored, folder)) {
    if (!isStored(entry)) {
      throw userError(
        'model-unsupported',
        `The tensor "${entry.name}" is stored in ${entry.type}, which is not supported.`,
        {
          where: entry.file,
          advice: `Supported: ${storedTypes.join(', ')}. Use the original of the model.`,
        },
      );
    }
    tensors.set(name, entry);
  }
  const copy = config.tiedEmbeddings && !config.rewardHead ? stored.get('lm_head.weight') : undefined;
  const embedding = tensors.get(embeddingName(config));
  if (copy !== undefined && embedding !== undefined && !(await sameContent(copy, embedding))) {
    throw userError(
      'model-tensors-wrong',
      'The output head differs from the token embedding, although config.json says that they are tied.',
      {
        where: folder,
        advice:
          'Set "tie_word_embeddings" to false in config.json if the model was trained with a head of its own.',
      },
    );
  }
  return { folder, config, rawConfig: raw, tensors };
}
