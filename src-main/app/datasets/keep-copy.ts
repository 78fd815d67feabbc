/** Copies of data in the data directory, one folder for each content, which appear whole or not at all. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EspalierError } from '../../contract/errors.ts';
import { dataSource } from '../../datasets/data-source.ts';

/**
 * Copies the files that a data path stands for; gives the data path of the copy. One that is there already is used.
 * @throws EspalierError `copy-failed`, those of `dataSource`
 */
export async function keepCopy(path: string, version: string, directory: string): Promise<string> {
  const { files, part } = await dataSource(path);
  const folder = join(directory, version);
  const [only, another] = files;
  const single = only !== undefined && another === undefined;
  const copy = single ? join(folder, basename(only)) : folder;
  const copyPath = part === undefined ? copy : `${copy}#${part}`;
  if ((await stat(copy).catch(() => null)) !== null) return copyPath;
  const beside = `${folder}.${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(beside, { recursive: true });
    const names = new Set<string>();
    for (const [place, file] of files.entries()) {
      // Files of several folders may share their names; their order is kept.
      const name = names.has(basename(file))
        ? `${String(place).padStart(5, '0')}-${basename(file)}`
        : basename(file);
      names.add(name);
      await copyFile(file, join(beside, name), constants.COPYFILE_FICLONE);
    }
    await rm(folder, { recursive: true, force: true });
    await rename(beside, folder);
    return copyPath;
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
