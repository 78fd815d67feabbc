/**
 * The library of datasets: their names, mappings and versions. The rows stay in their files; a version notes their
 * size and time of change, by which a changed file is noticed. Times are milliseconds since 1970.
 */
import { z } from 'zod';
import {
  datasetColumnSchema,
  datasetMappingSchema,
  datasetSourceSchema,
  datasetVersionSchema,
  type DatasetDetail,
  type DatasetMapping,
  type DatasetRow,
  type DatasetSource,
  type DatasetVersion,
} from '../contract/datasets.ts';
import { userError } from '../contract/errors.ts';
import { jsonColumn } from './json-column.ts';
import type { Connection } from './open-database.ts';
import { prepared } from './prepared.ts';

const dataFileSchema = z.strictObject({
  path: z.string(),
  size: z.number(),
  /** Time of the last change, in milliseconds since 1970. */
  changedAt: z.number(),
});
/** A file of a version as it was when it was imported. */
export type DataFile = z.infer<typeof dataFileSchema>;

/** A version with what is known of its files. */
export interface StoredVersion extends DatasetVersion {
  readonly files: readonly DataFile[];
}

export interface StoredDataset {
  readonly id: string;
  readonly name: string;
  readonly source: DatasetSource;
  readonly mapping: DatasetMapping | null;
  readonly createdAt: number;
  readonly deletedAt: number | null;
}

export interface NewDataset {
  readonly id: string;
  readonly name: string;
  readonly source: DatasetSource;
  readonly createdAt: number;
}

const datasetColumns = 'key, id, name, source, mapping, created_at, deleted_at';
const storedDatasetSchema = z
  .object({
    key: z.int(),
    id: z.string(),
    name: z.string(),
    source: jsonColumn(datasetSourceSchema),
    mapping: jsonColumn(datasetMappingSchema).nullable(),
    created_at: z.number(),
    deleted_at: z.number().nullable(),
  })
  .transform((row): StoredDataset & { readonly key: number } => ({
    key: row.key,
    id: row.id,
    name: row.name,
    source: row.source,
    mapping: row.mapping,
    createdAt: row.created_at,
    deletedAt: row.deleted_at,
  }));

const versionColumns =
  'version, path, kept, bytes, row_count, columns, duplicates, warnings, files, imported_at';
const storedVersionSchema = z
  .object({
    version: z.string(),
    path: z.string(),
    kept: z.int(),
    bytes: z.number(),
    row_count: z.int(),
    columns: jsonColumn(z.array(datasetColumnSchema)),
    duplicates: jsonColumn(datasetVersionSchema.shape.duplicates).nullable(),
    warnings: jsonColumn(z.array(z.string())),
    files: jsonColumn(z.array(dataFileSchema)),
    imported_at: z.number(),
  })
  .transform((row): StoredVersion => ({
    version: row.version,
    path: row.path,
    kept: row.kept === 1,
    bytes: row.bytes,
    rows: row.row_count,
    columns: row.columns,
    duplicates: row.duplicates,
    warnings: row.warnings,
    files: row.files,
    importedAt: row.imported_at,
  }));

const usingRunSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  createdAt: z.number(),
});

/** The version as windows see it. */
export function publicVersion({ files: _files, ...version }: StoredVersion): DatasetVersion {
  return version;
}

export class DatasetStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Datasets, newest first: those in use, or those that are removed and can still be restored. */
  list(deleted: boolean): DatasetRow[] {
    const rows = prepared(
      this.#connection,
      `SELECT ${datasetColumns} FROM datasets WHERE deleted_at IS ${deleted ? 'NOT ' : ''}NULL ORDER BY key DESC`,
    ).all();
    return rows.map((row) => {
      const { key, ...dataset } = storedDatasetSchema.parse(row);
      const versions = this.#versions(key);
      const [newest] = versions;
      if (newest === undefined) throw new Error(`internal: the dataset ${dataset.id} has no version`);
      return { ...dataset, version: publicVersion(newest), versions: versions.length };
    });
  }

  /** @throws EspalierError `dataset-unknown` */
  get(id: string): StoredDataset {
    const { key: _key, ...dataset } = this.#row(id);
    return dataset;
  }

  /** Versions of a dataset, the one imported last first. @throws EspalierError `dataset-unknown` */
  versions(id: string): StoredVersion[] {
    return this.#versions(this.#row(id).key);
  }

  /** One version, the newest where none is named. @throws EspalierError `dataset-unknown`, `dataset-version-unknown` */
  version(id: string, version?: string): StoredVersion {
    const all = this.versions(id);
    const found = version === undefined ? all[0] : all.find((one) => one.version === version);
    if (found === undefined) {
      throw userError('dataset-version-unknown', `The dataset has no version ${version ?? ''}.`, {
        advice: 'The page of the dataset lists its versions.',
      });
    }
    return found;
  }

  /** Adds a dataset; its first version must follow in the same transaction. */
  insert(dataset: NewDataset): void {
    prepared(this.#connection, 'INSERT INTO datasets (id, name, source, created_at) VALUES (?, ?, ?, ?)').run(
      dataset.id,
      dataset.name.toWellFormed(),
      JSON.stringify(dataset.source),
      dataset.createdAt,
    );
  }

  /** Adds a version, or brings one that is there up to date and makes it the newest. */
  putVersion(id: string, version: StoredVersion): void {
    prepared(
      this.#connection,
      `INSERT OR REPLACE INTO dataset_versions (dataset, ${versionColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      this.#row(id).key,
      version.version,
      version.path,
      version.kept ? 1 : 0,
      version.bytes,
      version.rows,
      JSON.stringify(version.columns),
      version.duplicates === null ? null : JSON.stringify(version.duplicates),
      JSON.stringify(version.warnings),
      JSON.stringify(version.files),
      version.importedAt,
    );
  }

  /** Changes fields of a dataset. */
  update(
    id: string,
    changes: Partial<Pick<StoredDataset, 'name' | 'source' | 'mapping' | 'deletedAt'>>,
  ): void {
    const { key, ...before } = this.#row(id);
    const after = { ...before, ...changes };
    prepared(
      this.#connection,
      'UPDATE datasets SET name = ?, source = ?, mapping = ?, deleted_at = ? WHERE key = ?',
    ).run(
      after.name.toWellFormed(),
      JSON.stringify(after.source),
      after.mapping === null ? null : JSON.stringify(after.mapping),
      after.deletedAt,
      key,
    );
  }

  /** The dataset in use that holds this content, if there is one. */
  withContent(version: string): string | null {
    const row = prepared(
      this.#connection,
      `SELECT id FROM datasets JOIN dataset_versions ON dataset = datasets.key
        WHERE version = ? AND deleted_at IS NULL ORDER BY datasets.key DESC LIMIT 1`,
    ).get(version);
    return row === undefined ? null : z.object({ id: z.string() }).parse(row).id;
  }

  /** The dataset in use that was made from this source: the same file, or the same part of a repository of the Hub. */
  fromSource(source: DatasetSource): string | null {
    const same = (other: DatasetSource): boolean =>
      source.kind === 'file'
        ? other.kind === 'file' && other.path === source.path
        : other.kind === 'hub' &&
          other.name === source.name &&
          other.config === source.config &&
          other.split === source.split;
    return this.list(false).find((row) => same(row.source))?.id ?? null;
  }

  /** Runs whose training or held-out data is one of the paths, newest first. */
  runsUsing(paths: readonly string[]): DatasetDetail['runs'] {
    const rows = prepared(
      this.#connection,
      `SELECT id, name, status, created_at AS createdAt FROM runs
        WHERE deleted_at IS NULL AND purging = 0
          AND (json_extract(config, '$.data.path') IN (SELECT value FROM json_each(?))
            OR json_extract(config, '$.data.evaluation') IN (SELECT value FROM json_each(?)))
        ORDER BY key DESC`,
    ).all(JSON.stringify(paths), JSON.stringify(paths));
    return rows.map((row) => usingRunSchema.parse(row));
  }

  /** Takes datasets that were removed before out for good; gives the versions that nothing names any more. */
  purgeDeleted(): StoredVersion[] {
    const rows = prepared(this.#connection, 'SELECT key FROM datasets WHERE deleted_at IS NOT NULL').all();
    const gone: StoredVersion[] = [];
    for (const row of rows) {
      const { key } = z.object({ key: z.int() }).parse(row);
      gone.push(...this.#versions(key));
      prepared(this.#connection, 'DELETE FROM datasets WHERE key = ?').run(key);
    }
    return gone.filter(
      ({ path }) =>
        prepared(this.#connection, 'SELECT 1 FROM dataset_versions WHERE path = ?').get(path) === undefined,
    );
  }

  /** Every version of datasets in use, for finding the one that a path belongs to. */
  versionsAt(path: string): StoredVersion[] {
    const rows = prepared(
      this.#connection,
      `SELECT ${versionColumns} FROM dataset_versions JOIN datasets ON dataset = datasets.key
        WHERE path = ? AND deleted_at IS NULL ORDER BY imported_at DESC, dataset_versions.key DESC`,
    ).all(path);
    return rows.map((row) => storedVersionSchema.parse(row));
  }

  #row(id: string): StoredDataset & { readonly key: number } {
    const row = prepared(this.#connection, `SELECT ${datasetColumns} FROM datasets WHERE id = ?`).get(id);
    if (row === undefined) {
      throw userError('dataset-unknown', `There is no dataset "${id}".`, {
        advice: 'The list of datasets shows the ones that were imported.',
      });
    }
    return storedDatasetSchema.parse(row);
  }

  #versions(key: number): StoredVersion[] {
    const rows = prepared(
      this.#connection,
      `SELECT ${versionColumns} FROM dataset_versions WHERE dataset = ? ORDER BY imported_at DESC, key DESC`,
    ).all(key);
    return rows.map((row) => storedVersionSchema.parse(row));
  }
}
