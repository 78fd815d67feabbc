/** Describes a repository of the Hub, and fetches what is needed of it into the cache. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EspalierError, userError } from '../../contract/errors.ts';
import type { HubDescription, HubRequest } from '../../contract/hub.ts';
import { parameterCount } from '../../models/expected-tensors.ts';
import { parseModelConfig } from '../../models/read-config.ts';
import { memoryFit } from '../memory-fit.ts';
import { defaultConfig } from './card-configs.ts';
import { chooseData, dataPlaces, modelFiles } from './choose-files.ts';
import { downloadBlob, incompletePath, type BlobProgress } from './download-blob.ts';
import {
  blobPath,
  freeBytes,
  isCached,
  makeSnapshot,
  repositoryFolder,
  snapshotFolder,
  systemLinking,
  writeReference,
  type Linking,
} from './hub-cache.ts';
import { openHub, type HubClient, type HubFile, type RepositoryFacts } from './hub-client.ts';
import { usualNetwork, type NetworkWorld } from './hub-fetch.ts';
import { hubSettings, type Environment, type HubSettings } from './hub-settings.ts';
import { checkedRequest } from './repository-name.ts';

/** What fetching uses of the world. */
export interface HubWorld {
  readonly environment: Environment;
  readonly network?: NetworkWorld;
  readonly linking?: Linking;
  /** Bytes free on the disk of a folder. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

export interface FetchListener {
  /** Bytes that are here, of those that were to be fetched; and what is done now. */
  onProgress(done: number, total: number, detail: string): void;
  /** Where the part of a file lies that is being fetched; it stays when the fetch is stopped. */
  onIncomplete?(path: string): void;
}

/** Branch in which the Hub keeps every dataset as Parquet. */
const convertedRevision = 'refs/convert/parquet';
const weightsIndex = 'model.safetensors.index.json';
const jsonObject = z.record(z.string(), z.unknown());

interface Plan {
  readonly request: HubRequest;
  readonly client: HubClient;
  readonly facts: RepositoryFacts;
  /** The revision that is fetched: of datasets perhaps the one that the Hub converted. */
  readonly revision: string;
  readonly repository: string;
  readonly files: readonly HubFile[];
  /** Split of each data file by its path. */
  readonly splits: ReadonlyMap<string, string>;
  readonly config: string | null;
  readonly configs: HubDescription['configs'];
}

export interface FetchedRepository {
  readonly request: HubRequest;
  readonly commit: string;
  /** Folder of the snapshot. */
  readonly path: string;
  readonly files: readonly string[];
  readonly bytes: number;
  readonly config: string | null;
  /** Files of each split of a dataset, absolute. */
  readonly splits: readonly { readonly split: string; readonly paths: readonly string[] }[];
}

async function planFetch(
  given: HubRequest,
  settings: HubSettings,
  world: HubWorld,
  signal: AbortSignal,
  onWait: (detail: string) => void,
): Promise<Plan> {
  const request = checkedRequest(given, settings.endpoint);
  if (settings.offline) {
    throw userError('hub-offline', 'HF_HUB_OFFLINE is set, which forbids every request to the Hub.', {
      where: 'HF_HUB_OFFLINE',
      advice: 'Unset the variable to fetch.',
    });
  }
  const client = openHub(request, settings, world.network ?? usualNetwork, { signal, onWait });
  const repository = repositoryFolder(settings.cache, request.kind, request.name);
  const facts = await client.facts(request.revision);
  const listed = await client.files(facts.commit);
  const common = { request, client, repository };
  if (request.kind === 'model') {
    const files = modelFiles(listed, request.name);
    return {
      ...common,
      facts,
      revision: request.revision,
      files,
      splits: new Map(),
      config: null,
      configs: [],
    };
  }
  const own = dataPlaces(listed, 'parquet', facts.configs);
  const converted = own.length === 0 && request.revision === 'main' ? await convertedData(client) : null;
  const places = converted?.places ?? (own.length > 0 ? own : dataPlaces(listed, 'any', facts.configs));
  const chosen = chooseData(places, request, defaultConfig(facts.configs));
  return {
    ...common,
    facts: converted === null ? facts : { ...facts, commit: converted.commit },
    revision: converted === null ? request.revision : convertedRevision,
    files: chosen.places.map(({ file }) => file),
    splits: new Map(chosen.places.map(({ file, split }) => [file.path, split])),
    config: chosen.config,
    configs: [...chosen.configs],
  };
}

/** The dataset as the Hub converted it to Parquet; null where it did not. */
async function convertedData(client: HubClient) {
  try {
    const { commit } = await client.facts(convertedRevision);
    const places = dataPlaces(await client.files(commit), 'parquet');
    return places.length === 0 ? null : { commit, places };
  } catch (error) {
    if (error instanceof EspalierError && (error.code === 'hub-revision' || error.code === 'hub-not-found'))
      return null;
    throw error;
  }
}

/**
 * What a repository holds and what fetching it takes. Asks the Hub and writes nothing.
 * @throws EspalierError why it cannot be fetched
 */
export async function describeRepository(
  given: HubRequest,
  world: HubWorld,
  signal: AbortSignal,
): Promise<HubDescription> {
  const settings = hubSettings(world.environment);
  const plan = await planFetch(given, settings, world, signal, () => undefined);
  const { request, facts } = plan;
  const sizes = await missingSizes(plan);
  const free = await (world.freeBytes ?? freeBytes)(settings.cache);
  return {
    kind: request.kind,
    name: request.name,
    revision: request.revision,
    commit: facts.commit,
    private: facts.private,
    gated: facts.gated,
    licence: facts.licence,
    files: plan.files.map(({ path, size }, place) => ({ path, size, cached: sizes.cached[place] ?? false })),
    bytes: plan.files.reduce((sum, { size }) => sum + size, 0),
    missingBytes: sizes.missing,
    freeBytes: free,
    fits: sizes.missing <= free,
    cache: settings.cache,
    configs: plan.configs,
    config: plan.config,
    model: request.kind === 'model' ? await describeModel(plan) : null,
  };
}

async function missingSizes({
  repository,
  facts,
  files,
}: Plan): Promise<{ cached: boolean[]; missing: number }> {
  const cached = await Promise.all(files.map((file) => isCached(repository, facts.commit, file)));
  return {
    cached,
    missing: files.reduce((sum, { size }, place) => sum + (cached[place] === true ? 0 : size), 0),
  };
}

/** What the configuration of a model says, read from the Hub; null where it is shown only to people with access. */
async function describeModel({ client, facts, request }: Plan): Promise<HubDescription['model']> {
  let text: string;
  try {
    text = await client.text(facts.commit, 'config.json');
  } catch (error) {
    if (error instanceof EspalierError && (error.code === 'hub-gated' || error.code === 'hub-forbidden'))
      return null;
    throw error;
  }
  try {
    const raw: unknown = JSON.parse(text);
    const config = parseModelConfig(jsonObject.parse(raw), {}, `${request.name}/config.json`);
    return {
      family: config.architecture,
      parameters: parameterCount(config),
      supported: true,
      why: null,
      memory: memoryFit(config),
    };
  } catch (error) {
    const why = error instanceof EspalierError ? error.message : 'Its config.json cannot be read.';
    return { family: null, parameters: null, supported: false, why, memory: null };
  }
}

/**
 * Fetches what is needed into the cache. Blobs that are complete stay when it is cut off or stopped, and the next
 * fetch goes on from there; the snapshot appears when all of it is there.
 * @throws EspalierError why it cannot be fetched; the signal's reason
 */
export async function fetchRepository(
  given: HubRequest,
  world: HubWorld,
  listener: FetchListener,
  signal: AbortSignal,
): Promise<FetchedRepository> {
  const settings = hubSettings(world.environment);
  const network = world.network ?? usualNetwork;
  let [base, total] = [0, 0];
  let here = 0;
  const tell = (detail: string): void => listener.onProgress(base + here, total, detail);
  tell(`Asking ${new URL(settings.endpoint).host}`);
  const plan = await planFetch(given, settings, world, signal, (detail) => tell(detail));
  const { repository, facts, client } = plan;
  const { cached, missing } = await missingSizes(plan);
  total = missing;
  const free = await (world.freeBytes ?? freeBytes)(settings.cache);
  if (missing > free) {
    throw new EspalierError(
      'environment',
      'disk-space',
      `There is no room for ${plan.request.name}: it takes ${inGigabytes(missing)}, and ${inGigabytes(free)} are free.`,
      {
        where: settings.cache,
        advice: 'Make room, or name a folder on another disk with HF_HOME.',
      },
    );
  }
  // Small files first: what is refused or wrong shows before much is fetched. The index says which shards are meant.
  const open = plan.files.filter((_, place) => cached[place] !== true).sort((a, b) => a.size - b.size);
  let unused: ReadonlySet<string> = await shardsNotMeant(plan, cached);
  for (const file of open) {
    signal.throwIfAborted();
    if (unused.has(file.path)) continue;
    here = 0;
    let detail = file.path;
    const progress: BlobProgress = {
      onBytes: (bytes) => {
        here = bytes;
        tell(detail);
      },
      onDetail: (text) => tell(text),
    };
    tell(detail);
    const target = blobPath(repository, file);
    listener.onIncomplete?.(incompletePath(target));
    await downloadBlob(
      {
        name: `${plan.request.name}/${file.path}`,
        size: file.size,
        hash: file.hash,
        target,
        open: (offset) => client.open(facts.commit, file.path, offset),
        endpoint: settings.endpoint,
      },
      progress,
      network,
      signal,
    );
    base += file.size;
    here = 0;
    detail = '';
    if (file.path === weightsIndex) unused = await shardsNotMeant(plan, cached);
  }
  const files = plan.files.filter(({ path }) => !unused.has(path));
  tell('Putting it in place');
  await makeSnapshot(repository, facts.commit, files, world.linking ?? systemLinking);
  await writeReference(repository, plan.revision, facts.commit);
  return fetched(plan, files);
}

function fetched(plan: Plan, files: readonly HubFile[]): FetchedRepository {
  const path = snapshotFolder(plan.repository, plan.facts.commit);
  const bySplit = new Map<string, string[]>();
  for (const file of files) {
    const split = plan.splits.get(file.path);
    if (split !== undefined) bySplit.set(split, [...(bySplit.get(split) ?? []), join(path, file.path)]);
  }
  return {
    request: plan.request,
    commit: plan.facts.commit,
    path,
    files: files.map((file) => file.path),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    config: plan.config,
    splits: [...bySplit].map(([split, paths]) => ({ split, paths: paths.sort() })),
  };
}

/**
 * Shards that the index does not name; none while the index is not here.
 * @throws EspalierError `hub-file-missing` where the index names one that the repository does not have
 */
async function shardsNotMeant(
  { repository, files, request, facts }: Plan,
  cached: readonly boolean[],
): Promise<Set<string>> {
  const place = files.findIndex(({ path }) => path === weightsIndex);
  const index = files[place];
  if (index === undefined) return new Set();
  const snapshot =
    cached[place] === true ? join(snapshotFolder(repository, facts.commit), weightsIndex) : null;
  const text =
    (await readFile(blobPath(repository, index), 'utf8').catch(() => null)) ??
    (snapshot === null ? null : await readFile(snapshot, 'utf8').catch(() => null));
  if (text === null) return new Set();
  const parsed = z.object({ weight_map: z.record(z.string(), z.string()) }).safeParse(parseOrNull(text));
  if (!parsed.success) {
    throw userError('hub-no-weights', `The list of weights of ${request.name} cannot be read.`, {
      where: weightsIndex,
    });
  }
  const meant = new Set(Object.values(parsed.data.weight_map));
  const lost = [...meant].find((name) => !files.some(({ path }) => path === name));
  if (lost !== undefined) {
    throw userError(
      'hub-file-missing',
      `${request.name} lacks the weights file ${JSON.stringify(lost)} that its index names.`,
      {
        where: weightsIndex,
        advice: 'The repository is incomplete; look for another revision.',
      },
    );
  }
  return new Set(
    files.filter(({ path }) => path.endsWith('.safetensors') && !meant.has(path)).map(({ path }) => path),
  );
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function inGigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
