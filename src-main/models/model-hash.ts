/** A hash of everything that makes a model what it is: configuration, weights and tokenizer. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { userError } from '../contract/errors.ts';
import { isAbsent } from './read-json.ts';

/** Files that count, if they are there. Cards, licences and hidden files do not. */
const parts =
  /^(config\.json|generation_config\.json|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|chat_template\.jinja|model\.safetensors\.index\.json|model(-\d+-of-\d+)?\.safetensors)$/;

/** How much was read so far, and in all, in bytes. */
export type HashProgress = (done: number, total: number) => void;

/**
 * SHA-256 (64 hexadecimal digits) over names, lengths and contents of the files of a model folder, in the order of
 * their names. The same for a copy of the folder; other for any other weight. Reads a piece at a time. Throws a user
 * error `model-not-found` where the folder is absent or holds no `config.json`.
 */
export async function modelHash(folder: string, progress?: HashProgress): Promise<string> {
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (isAbsent(error)) return [];
    throw error;
  });
  if (!names.includes('config.json')) {
    throw userError('model-not-found', 'There is no model here: config.json is missing.', {
      where: folder,
      advice:
        'Choose a Hugging Face model folder: it holds config.json, tokenizer.json and model.safetensors.',
    });
  }
  const files = await Promise.all(
    names
      .filter((name) => parts.test(name))
      .sort()
      .map(async (name) => ({ name, path: join(folder, name), size: (await stat(join(folder, name))).size })),
  );
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const hash = createHash('sha256');
  let done = 0;
  for (const { name, path, size } of files) {
    hash.update(`${name}\0${size}\0`);
    for await (const piece of createReadStream(path, { highWaterMark: 4 * 1024 * 1024 })) {
      if (!(piece instanceof Uint8Array))
        throw new TypeError('a file stream without an encoding gives bytes');
      hash.update(piece);
      done += piece.byteLength;
      progress?.(done, total);
    }
  }
  return hash.digest('hex');
}
