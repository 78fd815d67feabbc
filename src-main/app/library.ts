/** The library of a host: datasets and models, what is fetched from the Hub, and the jobs that do it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallOutput } from '../contract/calls.ts';
import type { TokenizedReport } from '../contract/datasets.ts';
import { userError } from '../contract/errors.ts';
import type { TrainerCommand } from '../contract/events.ts';
import type { HubRequest } from '../contract/hub.ts';
import type { Job, JobResult } from '../contract/jobs.ts';
import { modelSourceSchema, type ModelEntry, type ModelSource } from '../contract/model-library.ts';
import { dataSource } from '../datasets/data-source.ts';
import type { Store } from '../store/store.ts';

import { DatasetLibrary, datasetDirectory, type ImportRequest } from './datasets/dataset-library.ts';
import { absolutePath, modelFolder } from './experiment-paths.ts';
import {
  describeRepository,
  fetchRepository,
  type FetchedRepository,
  type HubWorld,
} from './hub/fetch-repository.ts';
import { hubCache } from './hub/hub-settings.ts';
import { splitFolder } from './hub/split-folder.ts';
import { JobBoard, type JobReport } from './job-board.ts';
import { listModels } from './model-library.ts';
import type { SpawnTrainer } from './trainer-child.ts';
import { runTrainerJob } from './trainer-job.ts';
import type { TrainerTimes } from './trainer-process.ts';

export interface LibraryOptions {
  readonly store: Store;
  readonly now: () => number;
  readonly newId: () => string;
  readonly dataDirectory: string;
  /** Folder of the models that ship. */
  readonly builtinModels: string;
  readonly hub: HubWorld;
  readonly spawnTrainer: SpawnTrainer;
  readonly times: TrainerTimes;
  readonly publishJob: (job: Job) => void;
  readonly datasetsChanged: () => void;
}

type TokenizeRequest = Omit<Extract<TrainerCommand, { type: 'tokenize' }>, 'type'>;

/** Reports that are kept; the oldest goes first. */
const keptReports = 10;

export class Library {
  readonly jobs: JobBoard;
  readonly datasets: DatasetLibrary;
  readonly #options: LibraryOptions;
  readonly #reports = new Map<string, TokenizedReport>();
  readonly #fetches = new Map<string, string>();

  constructor(options: LibraryOptions) {
    const { store, now, newId } = options;
    this.#options = options;
    this.jobs = new JobBoard({ now, newId, publish: options.publishJob });
    this.datasets = new DatasetLibrary({
      store,
      now,
      newId,
      directory: datasetDirectory(options.dataDirectory),
      changed: options.datasetsChanged,
    });
  }

  /** Models of the given sources (all where none are given), and of further folders. */
  listModels(sources: readonly ModelSource[] | undefined, folders: readonly string[]): Promise<ModelEntry[]> {
    const { store, dataDirectory, builtinModels, hub } = this.#options;
    return listModels(
      {
        builtin: builtinModels,
        data: join(dataDirectory, 'models'),
        cache: hubCache(hub.environment),
        folders: [
          ...store.modelFolders.list(),
          ...folders.map((folder) => absolutePath(folder, process.cwd())),
        ],
      },
      sources ?? modelSourceSchema.options,
    );
  }

  /** Asks the Hub what a repository holds. */
  describe(request: HubRequest): Promise<CallOutput<'hub.describe'>> {
    return describeRepository(request, this.#options.hub, AbortSignal.timeout(120_000));
  }

  /** Starts fetching; the same fetch twice is one job. */
  startFetch(request: HubRequest): string {
    const key = JSON.stringify([request.kind, request.name, request.revision, request.config, request.split]);
    const before = this.#fetches.get(key);
    const known = before === undefined ? undefined : this.jobs.list().find(({ id }) => id === before);
    if (known?.state === 'running') return known.id;
    if (known?.state === 'paused') {
      this.jobs.resume(known.id);
      return known.id;
    }
    const incomplete = new Set<string>();
    const id = this.jobs.start({
      kind: 'fetch',
      title: request.split === undefined ? request.name : `${request.name} · ${request.split}`,
      unit: 'bytes',
      canPause: true,
      run: async ({ signal, report }) => {
        const fetched = await fetchRepository(
          request,
          this.#options.hub,
          {
            onProgress: (done, total, detail) => report({ done, total, detail }),
            onIncomplete: (path) => incomplete.add(path),
          },
          signal,
        );
        const datasets = request.kind === 'dataset' ? await this.#importFetched(fetched, signal, report) : [];
        const { path, commit, files, bytes } = fetched;
        return { kind: 'fetch', path, commit, files: files.length, bytes, datasets };
      },
      discard: async () => {
        await Promise.all([...incomplete].map((path) => rm(path, { force: true })));
      },
    });
    this.#fetches.set(key, id);
    return id;
  }

  async #importFetched(
    fetched: FetchedRepository,
    signal: AbortSignal,
    report: (report: JobReport) => void,
  ): Promise<string[]> {
    const { request, commit, config } = fetched;
    const requests: ImportRequest[] = [];
    for (const { split, paths } of fetched.splits) {
      const path = await splitFolder(
        { paths, name: request.name, commit, config: config ?? 'default', split },
        datasetDirectory(this.#options.dataDirectory),
      );
      const source = {
        kind: 'hub',
        name: request.name,
        revision: request.revision,
        commit,
        config,
        split,
      } as const;
      requests.push({ path, keepCopy: false, source });
    }
    const imported = await this.datasets.import(requests, {
      signal,
      onProgress: (rows) => report({ detail: `Importing: ${rows} rows` }),
    });
    return imported.map(({ datasetId }) => datasetId);
  }

  /** Starts importing a file or folder. */
  startImport(input: {
    path: string;
    name?: string | undefined;
    datasetId?: string | undefined;
    keepCopy: boolean;
  }): string {
    const path = absolutePath(input.path, process.cwd());
    if (input.datasetId !== undefined) this.#options.store.datasets.get(input.datasetId);
    return this.jobs.start({
      kind: 'import',
      title: input.name ?? path.split(/[\\/]/).at(-1) ?? path,
      unit: 'rows',
      canPause: false,
      run: async ({ signal, report }) => {
        // Of a folder with several splits each becomes a dataset; a new version belongs to one.
        const { parts } = await dataSource(path);
        const paths =
          parts.length > 1 && !path.includes('#') && input.datasetId === undefined ? parts : [path];
        const datasets = await this.datasets.import(
          paths.map((each) => ({
            ...input,
            name:
              paths.length > 1 && input.name !== undefined
                ? `${input.name} · ${each.split('#').at(-1)}`
                : input.name,
            path: each,
            source: { kind: 'file', path: each },
          })),
          { signal, onProgress: (done, total) => report({ done, total, detail: 'Reading rows' }) },
        );
        return { kind: 'import', datasets };
      },
    });
  }

  /** Starts reading data as a model sees it, in a process of its own. */
  startTokenize(input: TokenizeRequest): string {
    const { builtinModels, spawnTrainer, times } = this.#options;
    const command: TrainerCommand = {
      type: 'tokenize',
      ...input,
      model: { ...input.model, path: modelFolder(input.model.path, builtinModels) },
      data: {
        ...input.data,
        path: absolutePath(input.data.path, process.cwd()),
        ...(input.data.evaluation === undefined
          ? {}
          : { evaluation: absolutePath(input.data.evaluation, process.cwd()) }),
      },
    };
    const id = this.jobs.start({
      kind: 'tokenize',
      title: input.data.path.split(/[\\/]/).at(-1) ?? input.data.path,
      unit: 'percent',
      canPause: false,
      run: async ({ signal, report }): Promise<JobResult> => {
        report({ detail: 'Reading rows' });
        let found: TokenizedReport | null = null;
        await runTrainerJob({ spawnTrainer, times }, command, signal, (event) => {
          if (event.type === 'tokenized') found = event.report;
          if (event.type === 'phase' && event.done !== undefined) {
            report({ done: 100 * event.done, total: 100, detail: 'Tokenising' });
          }
        });
        if (found === null) throw new Error('internal: a tokenise job ended without its report');
        this.#reports.set(id, found);
        const [oldest] = this.#reports.keys();
        if (this.#reports.size > keptReports && oldest !== undefined) this.#reports.delete(oldest);
        return { kind: 'tokenize' };
      },
    });
    return id;
  }

  /** @throws EspalierError `job-unknown`, `job-not-done` */
  tokenizedReport(jobId: string): TokenizedReport {
    const report = this.#reports.get(jobId);
    if (report !== undefined) return report;
    const { state } = this.jobs.get(jobId);
    throw userError('job-not-done', `There is no report of this job: it is ${state}.`, {
      advice: state === 'running' ? 'Wait until it is done.' : 'Start it again.',
    });
  }

  /** What is wrong with data that an experiment names and the library knows. */
  async dataWarnings(paths: readonly (string | undefined)[]): Promise<string[]> {
    const warnings: string[] = [];
    for (const path of paths) {
      const problem = path === undefined ? null : await this.datasets.problemAt(path);
      if (problem !== null) warnings.push(`${path}: ${problem}`);
    }
    return warnings;
  }

  async close(): Promise<void> {
    await Promise.all([this.jobs.close(), this.datasets.close()]);
  }
}
