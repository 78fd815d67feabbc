/**
 * Writes a model as a Hugging Face checkpoint folder that transformers loads: `model.safetensors` in float32,
 * `config.json`, and tokenizer files copied from the folder that the model came from. The folder appears whole or not
 * at all: it is written beside its place, flushed to the disk and then renamed.
 */
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { userError } from '../contract/errors.ts';
import { isAbsent } from './read-json.ts';
import type { TensorSpec } from './expected-tensors.ts';

/** A weight with its values, in row-major order. */
export interface TensorData extends TensorSpec {
  readonly data: Float32Array;
}

/** What `writeCheckpoint` writes. */
export interface CheckpointToWrite {
  /** Where the checkpoint shall lie. */
  readonly folder: string;
  /** The parsed `config.json` of the model; its stored type is set to float32. */
  readonly rawConfig: Readonly<Record<string, unknown>>;
  /** The weights under their Hugging Face names; they are written one after the other. */
  readonly tensors: Iterable<TensorData>;
  /** Folder whose tokenizer, chat template and generation settings are copied; null: none. */
  readonly copyFrom: string | null;
  /** Whether a checkpoint that lies there already may be replaced. */
  readonly replace?: boolean;
}

/** Bytes that one call writes, so that progress of other work is not held up by one enormous write. */
const PIECE = 64 * 1024 * 1024;

/** Files beside the weights that belong to a model. A licence goes with what it covers. */
const companions =
  /^(tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|(tokenizer|spiece)\.model|chat_template\.(jinja|json)|generation_config\.json|LICEN[CS]E(\.(md|txt))?|NOTICE(\.(md|txt))?)$/;

async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(PIECE, bytes.byteLength - done));
    done += bytesWritten;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

/** Flushes a folder's list of names; not every system can, and those that cannot do not need it. */
async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    return;
  }
}

/** Header of a float32 safetensors file, with its eight length bytes, padded so that the data begins at a multiple of eight. */
function encodeHeader(tensors: readonly TensorData[]): Uint8Array {
  const entries: [string, unknown][] = [['__metadata__', { format: 'pt' }]];
  let offset = 0;
  for (const { name, shape, data } of tensors) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (count !== data.length)
      throw new RangeError(`"${name}" of shape [${shape.join(', ')}] has ${data.length} values`);
    entries.push([name, { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  if (new Set(entries.map(([name]) => name)).size !== entries.length)
    throw new RangeError('two tensors have the same name');
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}

/** Writes one float32 safetensors file and flushes it to the disk. */
export async function writeSafetensors(path: string, tensors: Iterable<TensorData>): Promise<void> {
  const list = [...tensors];
  await using handle = await open(path, 'w');
  await writeFully(handle, encodeHeader(list));
  for (const { data } of list)
    await writeFully(handle, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  await handle.sync();
}

/** Copies the files of a model other than configuration and weights, and flushes them. */
async function copyCompanions(from: string, to: string): Promise<void> {
  const copy = async (name: string): Promise<void> => {
    await copyFile(join(from, name), join(to, name));
    await using handle = await open(join(to, name), 'r+');
    await handle.sync();
  };
  for (const name of await readdir(from)) if (companions.test(name)) await copy(name);
  const templates = 'additional_chat_templates';
  const additional = await readdir(join(from, templates)).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  if (additional.length > 0) await mkdir(join(to, templates));
  for (const name of additional) if (name.endsWith('.jinja')) await copy(join(templates, name));
}

/** The configuration as it is saved: unchanged but for the type of the weights, which are float32 now. */
function savedConfig(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const config = { ...raw };
  for (const key of ['dtype', 'torch_dtype']) if (key in config) config[key] = 'float32';
  return config;
}

/**
 * Writes a checkpoint folder. Throws a user error `checkpoint-exists` when something lies there already that is not
 * to be replaced, and `disk-full` when the disk is full; then nothing is left behind and an older checkpoint stays.
 */
export async function writeCheckpoint(checkpoint: CheckpointToWrite): Promise<void> {
  const { folder } = checkpoint;
  const parent = dirname(folder);
  const part = join(parent, `.${basename(folder)}.part`);
  const old = join(parent, `.${basename(folder)}.old`);
  await mkdir(parent, { recursive: true });
  // A writer that was interrupted between its two renamings left the older checkpoint here.
  if (!(await exists(folder)) && (await exists(old))) await rename(old, folder);
  const names = await readdir(folder).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
  const replaceable = checkpoint.replace === true && (names?.includes('config.json') ?? false);
  if (names !== null && names.length > 0 && !replaceable) {
    throw userError(
      'checkpoint-exists',
      'There is something at the place where the model should be written.',
      {
        where: folder,
        advice: 'Choose another folder, or an empty one.',
      },
    );
  }
  await rm(part, { recursive: true, force: true });
  await rm(old, { recursive: true, force: true });
  try {
    await mkdir(part);
    await writeSafetensors(join(part, 'model.safetensors'), checkpoint.tensors);
    {
      await using handle = await open(join(part, 'config.json'), 'w');
      await handle.writeFile(`${JSON.stringify(savedConfig(checkpoint.rawConfig), null, 2)}\n`);
      await handle.sync();
    }
    if (checkpoint.copyFrom !== null) await copyCompanions(checkpoint.copyFrom, part);
    await syncFolder(part);
    if (names !== null) await rename(folder, old);
    await rename(part, folder);
    await syncFolder(parent);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    if (names !== null && !(await exists(folder))) await rename(old, folder);
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') {
      throw userError('disk-full', 'The disk is full; the model was not written.', {
        where: folder,
        advice: 'Free some space, or choose a folder on another disk.',
        cause: error,
      });
    }
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}
