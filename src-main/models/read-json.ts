/** Reads a JSON file of a model folder, checked by a schema, with errors that name file and field. */
import { open } from 'node:fs/promises';
import type { z } from 'zod';
import { userError } from '../contract/errors.ts';

/** Whether an error of `node:fs` says that a file or folder is not there. */
export function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/**
 * The text of a UTF-8 file, or null where it is absent.
 * Throws a user error (`model-file-unreadable`) when it is larger than `limit` bytes, not UTF-8, a folder, or may
 * not be read.
 */
export async function readTextFile(path: string, limit: number): Promise<string | null> {
  let bytes: Buffer;
  try {
    await using handle = await open(path, 'r');
    const { size } = await handle.stat();
    if (size > limit) {
      throw userError(
        'model-file-unreadable',
        `The file is too large: ${size.toLocaleString('en-US')} bytes; at most ${limit.toLocaleString('en-US')} make sense here.`,
        { where: path, advice: 'Check that this file belongs to a Hugging Face model folder.' },
      );
    }
    bytes = await handle.readFile();
  } catch (error) {
    if (isAbsent(error)) return null;
    if (error instanceof Error && 'syscall' in error) {
      throw userError('model-file-unreadable', `The file cannot be read: ${error.message}.`, {
        where: path,
        advice: 'Check that it is a file and that you may read it.',
        cause: error,
      });
    }
    throw error;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw userError('model-file-unreadable', 'The file is not text in UTF-8.', {
      where: path,
      advice: 'Download or copy the file again.',
      cause: error,
    });
  }
}

/** Throws a user error that names the first field at which a value does not fit its schema. */
export function checkFields<T>(value: unknown, schema: z.ZodType<T>, file: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue === undefined ? '' : issue.path.map(String).join('.');
  throw userError(
    'model-config-invalid',
    `${field === '' ? 'The file' : `"${field}"`} is not as expected: ${issue?.message ?? 'invalid'}.`,
    {
      where: field === '' ? file : `${file}, field ${field}`,
      advice: 'Compare the file with the original of the model.',
    },
  );
}

/**
 * A parsed JSON file, or null where it is absent. Throws a user error (`model-file-unreadable`,
 * `model-config-invalid`) that names file and field.
 */
export async function readJsonFile<T>(
  path: string,
  schema: z.ZodType<T>,
  limit = 16 * 1024 * 1024,
): Promise<T | null> {
  const text = await readTextFile(path, limit);
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const pointer = text.startsWith('version https://git-lfs');
    throw userError(
      'model-file-unreadable',
      pointer
        ? 'The file is only a pointer of Git LFS; its content was not downloaded.'
        : `The file is not valid JSON: ${error instanceof Error ? error.message : String(error)}.`,
      {
        where: path,
        advice: pointer ? 'Run "git lfs pull" in the model folder.' : 'Download or copy the file again.',
        cause: error,
      },
    );
  }
  return checkFields(value, schema, path);
}
