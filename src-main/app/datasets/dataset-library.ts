/** The library of datasets: imports, pages of rows, and whether the files are still what was imported. */
import { rm } from 'node:fs/promises';
import { basename, extname, join, sep } from 'node:path';
import type { CallOutput } from '../../contract/calls.ts';
import type { DatasetDetail, DatasetSource } from '../../contract/datasets.ts';
import { EspalierError, userError } from '../../contract/errors.ts';
import type { JobResult } from '../../contract/jobs.ts';
import type { Row } from '../../datasets/row.ts';
import { publicVersion, type StoredVersion } from '../../store/dataset-store.ts';
import type { Store } from '../../store/store.ts';
import { contentHash, dataFiles, examineData, sameFiles, type ExamineListener } from './examine-data.ts';
import { keepCopy } from './keep-copy.ts';
import { RowPages } from './row-pages.ts';

export interface ImportRequest {
  readonly path: string;
  readonly name?: string | undefined;
  readonly datasetId?: string | undefined;
  readonly keepCopy: boolean;
  readonly source: DatasetSource;
}

export type ImportedDataset = Extract<JobResult, { kind: 'import' }>['datasets'][number];

export interface DatasetLibraryOptions {
  readonly store: Store;
  readonly now: () => number;
  readonly newId: () => string;
  /** Folder of copies. */
  readonly directory: string;
  /** Called when the list of datasets is another one. */
  readonly changed: () => void;
}

/** Rows that one page looks through at most when it searches, so that an answer comes soon. */
const searchedRows = 200_000;

export class DatasetLibrary {
  readonly #options: DatasetLibraryOptions;
  readonly #pages = new RowPages();
  #purging: Promise<void> = Promise.resolve();

  constructor(options: DatasetLibraryOptions) {
    this.#options = options;
  }

  /**
   * Reads the data and records it: as a new version of the dataset named, or of the one that came from the same source;
   * content that is known already makes no second dataset. All requests are recorded in one transaction or nothing.
   * @throws EspalierError of `examineData` and `keepCopy`; `dataset-unknown`
   */
  async import(requests: readonly ImportRequest[], listener: ExamineListener): Promise<ImportedDataset[]> {
    const { store, now, directory } = this.#options;
    const read: { request: ImportRequest; version: StoredVersion }[] = [];
    for (const request of requests) {
      const known = request.datasetId ?? store.datasets.fromSource(request.source);
      const mapping = known === null ? null : store.datasets.get(known).mapping;
      const examined = await examineData(request.path, mapping, listener);
      const path = request.keepCopy
        ? await keepCopy(request.path, examined.version, directory)
        : request.path;
      const version: StoredVersion = {
        version: examined.version,
        path,
        kept: request.keepCopy,
        bytes: examined.bytes,
        rows: examined.rows,
        columns: [...examined.columns],
        duplicates: examined.duplicates,
        warnings: [...examined.warnings],
        files: request.keepCopy ? await dataFiles(path) : examined.files,
        importedAt: now(),
      };
      read.push({ request, version });
    }
    listener.signal.throwIfAborted();
    const imported = store.transaction(() =>
      read.map(({ request, version }) => this.#record(request, version)),
    );
    this.#options.changed();
    return imported;
  }

  #record(request: ImportRequest, version: StoredVersion): ImportedDataset {
    const { store, now, newId } = this.#options;
    const { datasets } = store;
    const known =
      request.datasetId ?? datasets.fromSource(request.source) ?? datasets.withContent(version.version);
    const id = known ?? newId();
    const isNew = known === null || !datasets.versions(id).some((each) => each.version === version.version);
    if (known === null) {
      const name = request.name ?? nameOf(request.source);
      datasets.insert({ id, name, source: request.source, createdAt: now() });
    } else {
      datasets.update(id, {
        source: request.source,
        deletedAt: null,
        ...(request.name === undefined ? {} : { name: request.name }),
      });
    }
    datasets.putVersion(id, version);
    return { datasetId: id, version: version.version, isNew };
  }

  /** Changes fields of a dataset and tells windows. @throws EspalierError `dataset-unknown` */
  update(id: string, changes: Parameters<Store['datasets']['update']>[1]): void {
    this.#options.store.datasets.update(id, changes);
    this.#options.changed();
  }

  /** @throws EspalierError `dataset-unknown` */
  async get(id: string): Promise<DatasetDetail> {
    const { datasets } = this.#options.store;
    const dataset = datasets.get(id);
    const versions = datasets.versions(id);
    const [newest] = versions;
    if (newest === undefined) throw new Error(`internal: the dataset ${id} has no version`);
    return {
      ...dataset,
      version: publicVersion(newest),
      versions: versions.map(publicVersion),
      runs: datasets.runsUsing([...new Set(versions.map(({ path }) => path))]),
      problem: await this.#problem(newest),
    };
  }

  /**
   * A page of rows, all of them or those that hold a text.
   * @throws EspalierError `dataset-unknown`, `dataset-gone`, `dataset-changed`, those of the readers
   */
  async rows(request: {
    readonly datasetId: string;
    readonly version?: string | undefined;
    readonly offset: number;
    readonly limit: number;
    readonly search?: string | undefined;
  }): Promise<CallOutput<'datasets.rows'>> {
    const version = this.#options.store.datasets.version(request.datasetId, request.version);
    await this.verify(request.datasetId, version);
    const text = request.search?.trim().toLocaleLowerCase() ?? '';
    const page = await this.#pages.page(`${version.version} ${version.path}`, {
      path: version.path,
      offset: request.offset,
      limit: request.limit,
      wanted: (row) => text === '' || holds(row, text),
      lookedAt: searchedRows,
    });
    return { rows: page.rows, next: page.next !== null && page.next < version.rows ? page.next : null };
  }

  /**
   * Checks that the files of a version are what was imported.
   * @throws EspalierError `dataset-gone`, `dataset-changed`
   */
  async verify(datasetId: string, version: StoredVersion): Promise<void> {
    const now = await dataFiles(version.path).catch(() => null);
    if (now === null || now.length === 0) {
      throw new EspalierError(
        'environment',
        'dataset-gone',
        'The data of this dataset is not where it was.',
        {
          where: version.path,
          advice: 'Put it back, or import it again from where it is now.',
        },
      );
    }
    if (sameFiles(now, version.files)) return;
    // Copied or touched, but perhaps the same: only the content counts.
    if ((await contentHash(version.path)) !== version.version) {
      throw userError('dataset-changed', 'The data was changed since it was imported.', {
        where: version.path,
        advice: 'Import it again: it becomes a new version of this dataset.',
      });
    }
    const { datasets } = this.#options.store;
    const present = datasets.versions(datasetId);
    // Only the newest can be noted anew without changing their order.
    if (present[0]?.version === version.version) datasets.putVersion(datasetId, { ...version, files: now });
  }

  /** Why data at this path is not what the library knows of it; null where it is, or where it knows nothing. */
  async problemAt(path: string): Promise<string | null> {
    const [newest] = this.#options.store.datasets.versionsAt(path);
    return newest === undefined ? null : this.#problem(newest);
  }

  /** Takes copies (and folders of links) of removed datasets away for good. */
  purge(): Promise<void> {
    this.#purging = this.#purge();
    return this.#purging;
  }

  async #purge(): Promise<void> {
    const { store, directory } = this.#options;
    const gone = store.transaction(() => store.datasets.purgeDeleted());
    const links = join(directory, 'hub') + sep;
    // What a run was trained on stays, so that it can be resumed.
    const unused = gone.filter(({ path }) => store.datasets.runsUsing([path]).length === 0);
    const folders = unused.flatMap(({ kept, version, path }) =>
      kept ? [join(directory, version)] : path.startsWith(links) ? [path] : [],
    );
    await Promise.all(
      folders.map((folder) => rm(folder, { recursive: true, force: true }).catch(() => undefined)),
    );
  }

  /** Closes the files that are open for pages. */
  async close(): Promise<void> {
    await Promise.all([this.#pages.close(), this.#purging.catch(() => undefined)]);
  }

  async #problem(version: StoredVersion): Promise<string | null> {
    const now = await dataFiles(version.path).catch(() => null);
    if (now === null || now.length === 0) return 'The data is not where it was.';
    return sameFiles(now, version.files) || (await contentHash(version.path)) === version.version
      ? null
      : 'The data was changed since it was imported; import it again to make a new version.';
  }
}

/** What a dataset is called where nobody said: the name of its file, or of the repository with its split. */
function nameOf(source: DatasetSource): string {
  if (source.kind === 'file') {
    const [base = source.path, part] = source.path.split('#');
    const name = basename(base).replace(/\.(gz|gzip|zst|zstd)$/i, '');
    const plain = name.slice(0, name.length - extname(name).length) || name;
    return part === undefined ? plain : `${plain} · ${part}`;
  }
  const part = [source.config === 'default' ? null : source.config, source.split].filter(
    (each) => each !== null,
  );
  return [source.name, ...part].join(' · ');
}

function holds(row: Row, wanted: string): boolean {
  return Object.values(row).some((value) =>
    (typeof value === 'string' ? value : JSON.stringify(value)).toLocaleLowerCase().includes(wanted),
  );
}

/** Folder of copies in a data directory. */
export function datasetDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'datasets');
}
