/**
 * What a data path means: a file, a folder, or a part of either behind a hash sign: `folder#test`,
 * `folder#hard/train`, `splits.json#train`.
 */
import { stat } from 'node:fs/promises';
import { userError } from '../contract/errors.ts';
import { describeColumns } from './column-path.ts';
import type { FolderConfig } from './dataset-folder.ts';
import { readDatasetFolder } from './dataset-folder.ts';

export interface DataSource {
  /** Files in order; each is read to its end before the next. */
  readonly files: readonly string[];
  /** Which of several data sets inside one JSON file. */
  readonly part: string | undefined;
  /** Paths of all parts of the folder, this one among them; empty for a file. */
  readonly parts: readonly string[];
  readonly warnings: readonly string[];
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'none'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'none';
  }
}

/** Path and part of a data path; a hash sign that belongs to the name of something that exists stays there. */
async function takeApart(path: string): Promise<{ base: string; part: string | undefined }> {
  const hash = path.lastIndexOf('#');
  if (hash <= 0 || (await kindOf(path)) !== 'none') return { base: path, part: undefined };
  const base = path.slice(0, hash);
  return (await kindOf(base)) === 'none'
    ? { base: path, part: undefined }
    : { base, part: path.slice(hash + 1) };
}

function partName(config: FolderConfig, split: string, configs: readonly FolderConfig[]): string {
  return configs.length === 1 ? split : `${config.name}/${split}`;
}

/** The files of a part; without a name the training split, or the only one. */
function choose(configs: readonly FolderConfig[], part: string | undefined, path: string): readonly string[] {
  const [first] = configs;
  const all = configs.flatMap((config) =>
    config.splits.map(({ name, files }) => ({ name: partName(config, name, configs), files })),
  );
  const splitsOf = (config: FolderConfig | undefined): FolderConfig['splits'] => config?.splits ?? [];
  const ofConfig = (config: FolderConfig | undefined): readonly string[] | undefined =>
    splitsOf(config).find(({ name }) => name === 'train')?.files ??
    (splitsOf(config).length === 1 ? splitsOf(config)[0]?.files : undefined);
  const found =
    part === undefined
      ? ofConfig(first)
      : (all.find(({ name }) => name === part)?.files ??
        splitsOf(first).find(({ name }) => name === part)?.files ??
        ofConfig(configs.find(({ name }) => name === part)));
  if (found !== undefined) return found;
  const names = all.map(({ name }) => name);
  throw userError(
    'data-part',
    part === undefined
      ? 'This folder holds several data sets, none of them called “train”.'
      : `This folder has no data set “${part}”.`,
    {
      where: path,
      advice: `Name one behind a #, for example ${path.split('#')[0] ?? path}#${names[0] ?? 'train'}. ${describeColumns(part ?? '', names).replace('columns', 'data sets')}`,
    },
  );
}

/**
 * Finds the files behind a data path. A path that does not exist is returned as it is: reading it says so.
 * @throws EspalierError as `readDatasetFolder` does; `data-part` (names the parts that exist)
 */
export async function dataSource(path: string): Promise<DataSource> {
  const { base, part } = await takeApart(path);
  if ((await kindOf(base)) !== 'folder') return { files: [base], part, parts: [], warnings: [] };
  const { configs, warnings } = await readDatasetFolder(base);
  return {
    files: choose(configs, part, path),
    part: undefined,
    parts: configs.flatMap((config) =>
      config.splits.map(({ name }) => `${base}#${partName(config, name, configs)}`),
    ),
    warnings,
  };
}
