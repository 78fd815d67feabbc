/** The models on this computer: those that ship, in the data directory, in the Hugging Face cache, in named folders. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EspalierError } from '../contract/errors.ts';
import type { ModelEntry, ModelSource } from '../contract/model-library.ts';
import { readModelConfig } from '../models/read-config.ts';
import { builtinModels, builtinPrefix, modelFolder } from './experiment-paths.ts';
import { memoryFit } from './memory-fit.ts';
import { inspectModel } from './model-and-data.ts';

export interface ModelPlaces {
  /** Folder of the models that ship. */
  readonly builtin: string;
  readonly data: string;
  /** The Hugging Face cache. */
  readonly cache: string;
  /** Folders that the user named: of one model, or of several. */
  readonly folders: readonly string[];
}

interface Found {
  readonly path: string;
  readonly folder: string;
  readonly name: string;
  readonly source: ModelSource;
  readonly revision: string | null;
}

/** How deep below a named folder models are looked for. */
const deepest = 2;
/** A folder with more entries than this is no folder of models. */
const mostEntries = 2_000;

/** What lies at the places of the given sources; by source, then by name. Models that cannot be used say why. */
export async function listModels(
  places: ModelPlaces,
  sources: readonly ModelSource[],
): Promise<ModelEntry[]> {
  const finders: Readonly<Record<ModelSource, () => Promise<Found[]>>> = {
    builtin: async () =>
      builtinModels(places.builtin).map((name) => ({
        path: builtinPrefix + name,
        folder: modelFolder(builtinPrefix + name, places.builtin),
        name,
        source: 'builtin',
        revision: null,
      })),
    data: () => modelsBelow(places.data, 'data'),
    cache: () => cachedModels(places.cache),
    folder: async () =>
      (await Promise.all(places.folders.map((folder) => modelsBelow(folder, 'folder')))).flat(),
  };
  const found = (await Promise.all(sources.map((source) => finders[source]()))).flat();
  const known = new Map(found.map((model) => [model.path, model]));
  const entries: ModelEntry[] = [];
  // One after the other: headers of many models at once would only make the disk seek.
  for (const model of known.values()) entries.push(await entryOf(model, places.builtin));
  return entries;
}

async function entryOf(
  { path, folder, name, source, revision }: Found,
  builtin: string,
): Promise<ModelEntry> {
  const common = { path, name, source, revision };
  try {
    const card = await inspectModel(path, builtin);
    const { config } = await readModelConfig(folder);
    return {
      ...common,
      bytes: card.bytes,
      supported: true,
      why: null,
      advice: null,
      card: { ...card, name },
      memory: memoryFit(config),
    };
  } catch (error) {
    const known = error instanceof EspalierError;
    // A folder that may not be read is one more that cannot be used.
    const why = known
      ? error.message
      : `It cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    const advice = (known ? error.advice : undefined) ?? null;
    return {
      ...common,
      bytes: await folderBytes(folder),
      supported: false,
      why,
      advice,
      card: null,
      memory: null,
    };
  }
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const status = await stat(join(folder, name)).catch(() => null);
      return status?.isFile() === true ? status.size : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function folderNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !name.startsWith('.')).sort((a, b) => a.localeCompare(b));
}

/** The folder itself where it is a model, else the models in it. */
async function modelsBelow(folder: string, source: ModelSource, depth = 0): Promise<Found[]> {
  const names = await folderNames(folder);
  if (names.includes('config.json')) {
    return [{ path: folder, folder, name: basename(folder), source, revision: null }];
  }
  if (depth === deepest || names.length > mostEntries) return [];
  const found: Found[] = [];
  for (const name of names) {
    const inner = join(folder, name);
    const status = await stat(inner).catch(() => null);
    if (status?.isDirectory() === true) found.push(...(await modelsBelow(inner, source, depth + 1)));
  }
  return found;
}

/** Every snapshot of a model in the cache, named by its branch where one points to it. */
async function cachedModels(cache: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const repository of await folderNames(cache)) {
    if (!repository.startsWith('models--')) continue;
    const name = repository.slice('models--'.length).split('--').join('/');
    const branches = await branchesOf(join(cache, repository, 'refs'));
    for (const commit of await folderNames(join(cache, repository, 'snapshots'))) {
      const path = join(cache, repository, 'snapshots', commit);
      // Parts that other tools fetched for themselves, such as a tokenizer alone, are no models.
      if (!(await folderNames(path)).includes('config.json')) continue;
      found.push({ path, folder: path, name, source: 'cache', revision: branches.get(commit) ?? commit });
    }
  }
  return found;
}

/** Branch of each commit that has one. */
async function branchesOf(folder: string): Promise<Map<string, string>> {
  const branches = new Map<string, string>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const commit = (await readFile(file, 'utf8').catch(() => '')).trim();
    branches.set(commit, file.slice(folder.length + 1).replaceAll('\\', '/'));
  }
  return branches;
}
