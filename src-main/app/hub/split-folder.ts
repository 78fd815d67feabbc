/** One path for the files of one split of a fetched dataset: the file itself, or a folder with links to its shards. */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { placeFile, systemLinking } from './hub-cache.ts';

export interface SplitFiles {
  readonly paths: readonly string[];
  readonly name: string;
  readonly commit: string;
  readonly config: string;
  readonly split: string;
}

/** Gives the path of the split; a folder is made below `directory` and appears whole. */
export async function splitFolder(
  { paths, name, commit, config, split }: SplitFiles,
  directory: string,
): Promise<string> {
  const [only, another] = paths;
  if (only !== undefined && another === undefined) return only;
  const plain = [...name.split('/'), commit.slice(0, 12), config, split].map((part) =>
    part.replace(/[^\w.-]/g, '_'),
  );
  const folder = join(directory, 'hub', plain.join('--'));
  if ((await stat(folder).catch(() => null)) !== null) return folder;
  const beside = `${folder}.${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(beside, { recursive: true });
    const names = new Set<string>();
    for (const [place, path] of paths.entries()) {
      // Shards of several folders may share their names; their order is kept.
      const plainName = basename(path);
      const unique = names.has(plainName) ? `${String(place).padStart(5, '0')}-${plainName}` : plainName;
      names.add(unique);
      await placeFile(path, join(beside, unique), join(folder, unique), systemLinking);
    }
    await rename(beside, folder);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  return folder;
}
