/** Copies of data in the data directory, one folder for each content, which appear whole or not at all. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EspalierError } from '../../contract/errors.ts';

/**
 * Copies a file or folder; gives the path of the copy. One that is there already is used.
 * @throws EspalierError `copy-failed`
 */
export async function keepCopy(path: string, version: string, directory: string): Promise<string> {
  const folder = join(directory, version);
  const copy = join(folder, basename(path));
  if ((await stat(copy).catch(() => null)) !== null) return copy;
  const beside = `${folder}.${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(beside, { recursive: true });
    await cp(path, join(beside, basename(path)), {
      recursive: true,
      dereference: true,
      mode: constants.COPYFILE_FICLONE,
    });
    await rm(folder, { recursive: true, force: true });
    await rename(beside, folder);
    return copy;
  } catch (error) {
    throw new EspalierError(
      'environment',
      'copy-failed',
      `The data could not be copied: ${error instanceof Error ? error.message : String(error)}`,
      {
        where: folder,
        advice: 'Check the free space of the data directory, or import without keeping a copy.',
        cause: error,
      },
    );
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}
