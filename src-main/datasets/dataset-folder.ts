/**
 * What a data folder holds: a dataset of `save_to_disk`, several of them as splits, or a folder of files as on the
 * Hugging Face Hub, with its configurations and splits from README.md or from the names of folders and files.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { userError } from '../contract/errors.ts';
import { READABLE } from './file-kind.ts';
import { FrontMatterProblem, readFrontMatter } from './front-matter.ts';
import type { Json } from './row.ts';

export interface FolderSplit {
  readonly name: string;
  /** Paths of its files, in order. */
  readonly files: readonly string[];
}

export interface FolderConfig {
  readonly name: string;
  readonly splits: readonly FolderSplit[];
}

export interface DatasetFolder {
  /** At least one; the default comes first. */
  readonly configs: readonly FolderConfig[];
  readonly warnings: readonly string[];
}

const MOST_FILES = 100_000;
const DEEPEST_FOLDER = 8;
const usualSplits = ['train', 'validation', 'test'];
/** Words in names that mean a split, as the `datasets` library knows them. */
const splitWords: readonly (readonly [string, readonly string[]])[] = [
  ['validation', ['validation', 'valid', 'dev', 'val']],
  ['test', ['test', 'testing', 'eval', 'evaluation']],
  ['train', ['train', 'training']],
];
const DATA_FILE = /\.(parquet|jsonl|ndjson|json|csv|tsv|arrow|feather|txt)(?:\.(?:gz|zst))?$/i;
/** Formats in the order in which one of several is preferred. */
const formatOrder = ['parquet', 'arrow', 'jsonl', 'json', 'csv', 'txt'];
/** Files that describe a dataset and hold no rows. */
const DESCRIPTIONS =
  /(?:^|\/)(?:dataset_infos?|dataset_dict|state|package(?:-lock)?)\.json$|(?:^|\/)(?:README|LICENSE|requirements)\.txt$/i;
const SHARD = /^(.*)-(\d{5})-of-(\d{5})(\..*)$/;

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return null;
    throw error;
  }
}

function parseDescription<T>(text: string, schema: z.ZodType<T>, path: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw userError('data-corrupt', 'A file that describes the dataset cannot be read.', {
    where: path,
    advice: 'Save the dataset again with save_to_disk, or choose its data files one by one.',
  });
}

const stateSchema = z.looseObject({ _data_files: z.array(z.looseObject({ filename: z.string() })) });
const splitsSchema = z.looseObject({ splits: z.array(z.string().min(1)) });

function missingShard(folder: string, missing: readonly string[], why: string): Error {
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
  return userError(
    'data-missing-shard',
    `Files of this dataset are missing: ${missing.slice(0, 3).join(', ')}${more} (${why}).`,
    { where: folder, advice: 'The copy or download was interrupted; get the missing files.' },
  );
}

/** The files of a dataset that `save_to_disk` wrote. */
async function savedFiles(folder: string, names: readonly string[]): Promise<string[]> {
  const statePath = join(folder, 'state.json');
  const text = await readText(statePath);
  if (text === null) {
    throw userError(
      'data-missing-file',
      'This dataset was saved by save_to_disk, but its state.json is missing.',
      {
        where: statePath,
        advice: 'Copy the whole folder again; or choose one of its .arrow files by itself.',
      },
    );
  }
  const files = parseDescription(text, stateSchema, statePath)._data_files.map(({ filename }) => filename);
  const missing = files.filter((file) => !names.includes(file));
  if (missing.length > 0) throw missingShard(folder, missing, 'state.json names them');
  return files.map((file) => join(folder, file));
}

/** Paths inside a folder, with /, of all files that are not hidden. */
async function listFiles(folder: string, inside = '', depth = 0): Promise<string[]> {
  if (depth > DEEPEST_FOLDER) return [];
  const entries = await readdir(join(folder, inside), { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (/^[._]/.test(entry.name) || found.length > MOST_FILES) continue;
    const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await listFiles(folder, path, depth + 1)));
    else if (entry.isFile() || entry.isSymbolicLink()) found.push(path);
  }
  return found;
}

/** The split that a word of a path means. */
function splitWord(text: string): string | undefined {
  const words = text.toLowerCase().split(/[^a-z]+/);
  return splitWords.find(([, known]) => known.some((word) => words.includes(word)))?.[0];
}

function inOrder(splits: Map<string, string[]>): FolderSplit[] {
  const rank = (name: string): number => {
    const place = usualSplits.indexOf(name);
    return place === -1 ? usualSplits.length : place;
  };
  return [...splits]
    .map(([name, files]) => ({ name, files: files.sort() }))
    .sort((a, b) => rank(a.name) - rank(b.name));
}

/**
 * Splits by the names of shards, of folders or of files. Where some names mean a split, files whose names mean none are
 * left out, as the `datasets` library does; where no name does, all are training data.
 */
function splitsByName(paths: readonly string[], folder: string, warnings: string[]): FolderSplit[] {
  const shards = paths.map((path) => SHARD.exec(path.split('/').at(-1) ?? '')?.[1]);
  const byFolder = paths.map((path) => splitWord(path.split('/').slice(0, -1).join('/')));
  const byFile = paths.map((path) => splitWord(path.split('/').at(-1) ?? ''));
  const names = shards.every((name) => name !== undefined)
    ? shards
    : ([byFolder, byFile].find((list) => list.some((name) => name !== undefined)) ??
      paths.map(() => 'train'));
  const splits = new Map<string, string[]>();
  const left: string[] = [];
  for (const [i, path] of paths.entries()) {
    const name = names[i];
    if (name === undefined) left.push(path);
    else splits.set(name, [...(splits.get(name) ?? []), path]);
  }
  if (left.length > 0) {
    warnings.push(
      `${folder}: ${left.slice(0, 3).join(', ')}${left.length > 3 ? ', …' : ''} left out, because the names of other files say train, validation or test.`,
    );
  }
  return inOrder(splits);
}

/** Throws when one of the shards that names like `train-00000-of-00002` promise is not there. */
function checkShards(folder: string, paths: readonly string[]): void {
  const present = new Set(paths);
  const missing = new Set<string>();
  for (const path of paths) {
    const shard = SHARD.exec(path);
    if (shard === null) continue;
    const [, name = '', , total = '', ending = ''] = shard;
    if (Number(total) > MOST_FILES) continue;
    for (let i = 0; i < Number(total); i++) {
      const wanted = `${name}-${String(i).padStart(5, '0')}-of-${total}${ending}`;
      if (!present.has(wanted)) missing.add(wanted);
    }
  }
  if (missing.size > 0) throw missingShard(folder, [...missing].sort(), 'the names of the others count them');
}

/** A pattern of a dataset card (`data/train-*`, `**.parquet`, `{a,b}.csv`) as an expression over whole paths. */
export function globExpression(pattern: string): RegExp {
  let source = '';
  let inBraces = false;
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i] ?? '';
    if (character === '*') {
      const double = pattern[i + 1] === '*';
      if (double) i += pattern[i + 2] === '/' ? 2 : 1;
      source += double ? '(?:.*)' : '[^/]*';
    } else if (character === '?') source += '[^/]';
    else if (character === '{') {
      inBraces = true;
      source += '(?:';
    } else if (character === '}' && inBraces) {
      inBraces = false;
      source += ')';
    } else if (character === ',' && inBraces) source += '|';
    else source += character.replace(/[\\^$+.()|[\]{}]/g, '\\$&');
  }
  return new RegExp(`^(?:\\./)?${source}${inBraces ? ')' : ''}$`);
}

const pathsSchema = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const cardSchema = z.looseObject({
  configs: z.array(
    z.looseObject({
      config_name: z.string().default('default'),
      default: z.boolean().default(false),
      data_dir: z.string().optional(),
      data_files: z
        .union([
          pathsSchema.transform((path) => [{ split: 'train', path }]),
          z.array(z.looseObject({ split: z.string(), path: pathsSchema })),
        ])
        .optional(),
    }),
  ),
});

function configsOfCard(
  card: Json,
  folder: string,
  paths: readonly string[],
  warnings: string[],
): FolderConfig[] | null {
  const parsed = cardSchema.safeParse(card);
  if (!parsed.success) return null;
  const configs = parsed.data.configs.map(
    ({ config_name: name, data_files: files, data_dir: directory, ...config }) => {
      const prefix = directory === undefined ? '' : `${directory.replace(/^\.?\/|\/$/g, '')}/`;
      const inside = paths.filter((path) => path.startsWith(prefix));
      const splits =
        files === undefined
          ? splitsByName(inside, folder, warnings)
          : files.map(({ split, path: patterns }) => {
              const found = patterns.flatMap((pattern) => {
                const expression = globExpression(prefix + pattern.replace(/^\.?\//, ''));
                const matching = paths.filter((path) => expression.test(path));
                if (matching.length > 0) return matching;
                throw userError(
                  'data-no-match',
                  `No file fits the pattern ${pattern}, which README.md gives for “${split}”.`,
                  {
                    where: join(folder, 'README.md'),
                    advice: 'Get the missing files, or correct the pattern under configs.',
                  },
                );
              });
              return { name: split, files: [...new Set(found)] };
            });
      return { name, splits, isDefault: config.default || name === 'default' };
    },
  );
  return configs
    .sort((a, b) => Number(b.isDefault) - Number(a.isDefault))
    .map(({ name, splits }) => ({ name, splits }));
}

/** The card's configurations; a card that cannot be read is only a warning. */
async function readCard(
  folder: string,
  paths: readonly string[],
  warnings: string[],
): Promise<FolderConfig[] | null> {
  const path = join(folder, 'README.md');
  const readme = await readText(path);
  if (readme === null) return null;
  try {
    return configsOfCard(readFrontMatter(readme), folder, paths, warnings);
  } catch (error) {
    if (!(error instanceof FrontMatterProblem)) throw error;
    warnings.push(
      `${path}, line ${error.line}: its YAML cannot be read (${error.message}); files are told apart by name.`,
    );
    return null;
  }
}

/** The files of the format that most of them have; a folder may hold the same rows in several. */
function ofOneFormat(paths: readonly string[], folder: string, warnings: string[]): string[] {
  const formatOf = (path: string): string => {
    const name = DATA_FILE.exec(path)?.[1]?.toLowerCase() ?? '';
    const same: Record<string, string> = { ndjson: 'jsonl', tsv: 'csv', feather: 'arrow' };
    return same[name] ?? name;
  };
  const counts = new Map<string, number>();
  for (const path of paths) counts.set(formatOf(path), (counts.get(formatOf(path)) ?? 0) + 1);
  const [chosen] = [...counts].sort(
    ([a, countA], [b, countB]) => countB - countA || formatOrder.indexOf(a) - formatOrder.indexOf(b),
  );
  const kept = paths.filter((path) => formatOf(path) === chosen?.[0]);
  if (kept.length < paths.length) {
    warnings.push(
      `${folder}: ${paths.length - kept.length} files are left out, because most are ${chosen?.[0] ?? ''} files.`,
    );
  }
  return kept;
}

/**
 * Finds the rows of a folder.
 * @throws EspalierError `data-missing-shard`, `data-missing-file`, `data-no-match`, `data-folder-empty`, `data-corrupt`
 */
export async function readDatasetFolder(folder: string): Promise<DatasetFolder> {
  const warnings: string[] = [];
  const names = await readdir(folder);
  const dictionaryPath = join(folder, 'dataset_dict.json');
  const dictionary = await readText(dictionaryPath);
  const one = (splits: FolderSplit[]): DatasetFolder => ({
    configs: [{ name: 'default', splits }],
    warnings,
  });
  if (dictionary !== null) {
    const { splits } = parseDescription(dictionary, splitsSchema, dictionaryPath);
    return one(
      await Promise.all(
        splits.map(async (name) => {
          const inside = join(folder, name);
          const files = await readdir(inside).catch(() => {
            throw missingShard(folder, [name], 'dataset_dict.json names it');
          });
          return { name, files: await savedFiles(inside, files) };
        }),
      ),
    );
  }
  const isSaved =
    names.includes('state.json') || names.some((name) => /^data-\d{5}-of-\d{5}\.arrow$/.test(name));
  if (isSaved) return one([{ name: 'train', files: await savedFiles(folder, names) }]);
  const paths = (await listFiles(folder)).filter((path) => DATA_FILE.test(path) && !DESCRIPTIONS.test(path));
  if (paths.length === 0) {
    throw userError('data-folder-empty', 'This folder holds no data files.', {
      where: folder,
      advice: `Choose a file or folder with data. These are read: ${READABLE}.`,
    });
  }
  const card = await readCard(folder, paths, warnings);
  const configs = card ?? [
    { name: 'default', splits: splitsByName(ofOneFormat(paths, folder, warnings), folder, warnings) },
  ];
  checkShards(
    folder,
    configs.flatMap(({ splits }) => splits.flatMap(({ files }) => files)),
  );
  return {
    configs: configs.map(({ name, splits }) => ({
      name,
      splits: splits.map((split) => ({
        name: split.name,
        files: split.files.map((file) => join(folder, file)),
      })),
    })),
    warnings,
  };
}
