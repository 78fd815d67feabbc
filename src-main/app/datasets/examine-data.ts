/**
 * Reads a data file or folder whole, in bounded memory: what it holds, and the hash by which its content is known.
 * Nothing is recorded here.
 */
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DatasetColumn } from '../../contract/datasets.ts';
import { userError } from '../../contract/errors.ts';
import { dataHash } from '../../datasets/data-hash.ts';
import { previewDataset } from '../../datasets/preview.ts';
import { readRows } from '../../datasets/read-rows.ts';
import type { DataFile } from '../../store/dataset-store.ts';

export interface ExaminedData {
  readonly version: string;
  readonly files: readonly DataFile[];
  readonly bytes: number;
  readonly rows: number;
  readonly columns: readonly DatasetColumn[];
  readonly warnings: readonly string[];
}

const mostWarnings = 20;
/** Rows from which the length of the rest is estimated. */
const measuredRows = 2_000;

/**
 * The files that a path stands for: itself, or everything in the folder but hidden files, by name.
 * @throws EspalierError `data-not-found`
 */
export async function dataFiles(path: string): Promise<DataFile[]> {
  const status = await stat(path).catch(() => null);
  if (status === null) {
    throw userError('data-not-found', 'There is no such data file or folder.', {
      where: path,
      advice: 'It may have been moved or renamed: choose it again.',
    });
  }
  if (status.isFile()) return [{ path, size: status.size, changedAt: status.mtimeMs }];
  const names = await readdir(path);
  const found: DataFile[] = [];
  for (const name of names.filter((each) => !each.startsWith('.')).sort()) {
    const full = join(path, name);
    // Links to folders could lead in circles; links to files are how the Hugging Face cache keeps them.
    const inner = await lstat(full);
    if (inner.isDirectory()) found.push(...(await dataFiles(full)));
    else {
      const target = await stat(full).catch(() => null);
      if (target?.isFile() === true) found.push({ path: full, size: target.size, changedAt: target.mtimeMs });
    }
  }
  return found;
}

/** Whether files are as they were noted: the same ones, by size and time of change. */
export function sameFiles(now: readonly DataFile[], noted: readonly DataFile[]): boolean {
  return (
    now.length === noted.length &&
    now.every(
      ({ path, size, changedAt }, place) =>
        noted[place]?.path === path && noted[place].size === size && noted[place].changedAt === changedAt,
    )
  );
}

/** Hash of the content of files that may be empty beside others; equal hashes mean equal data. */
export async function contentHash(files: readonly DataFile[]): Promise<string> {
  return dataHash(files.filter(({ size }) => size > 0).map(({ path }) => path));
}

export interface ExamineListener {
  readonly signal: AbortSignal;
  /** Rows read, and about how many there will be. */
  onProgress(rows: number, total: number | null): void;
}

/**
 * Reads everything once.
 * @throws EspalierError of the readers with file and line; `data-changing` where it was written meanwhile; the signal's reason
 */
export async function examineData(
  path: string,
  { signal, onProgress }: ExamineListener,
): Promise<ExaminedData> {
  const files = await dataFiles(path);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const { columns } = await previewDataset(path, 1);
  const warnings: string[] = [];
  let rows = 0;
  let measured = { rows: 0, bytes: 0 };
  for await (const batch of readRows(path, {
    onWarning: (message) => {
      if (warnings.length < mostWarnings) warnings.push(message);
    },
  })) {
    signal.throwIfAborted();
    if (measured.rows < measuredRows) {
      const some = batch.slice(0, measuredRows - measured.rows);
      measured = {
        rows: measured.rows + some.length,
        bytes:
          measured.bytes + some.reduce((sum, row) => sum + Buffer.byteLength(JSON.stringify(row)) + 1, 0),
      };
    }
    rows += batch.length;
    const guess = measured.rows < 100 ? null : Math.round((bytes / measured.bytes) * measured.rows);
    onProgress(rows, guess === null ? null : Math.max(guess, rows));
    // Calls of windows are answered between two batches.
    await nextTurn();
  }
  signal.throwIfAborted();
  const version = await contentHash(files);
  signal.throwIfAborted();
  if (!sameFiles(await dataFiles(path), files)) {
    throw userError('data-changing', 'The data was changed while it was read.', {
      where: path,
      advice: 'Import it again when the program that writes it is done.',
    });
  }
  onProgress(rows, rows);
  return { version, files, bytes, rows, columns, warnings };
}
