/**
 * Reads a data file, a folder, or a part of either whole, in bounded memory: what it holds, and the hash by which its
 * content is known. Nothing is recorded here.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DatasetColumn, DatasetMapping, DatasetVersion } from '../../contract/datasets.ts';
import { userError } from '../../contract/errors.ts';
import { StatisticsCollector } from '../../datasets/column-statistics.ts';
import { dataHash } from '../../datasets/data-hash.ts';
import { dataSource } from '../../datasets/data-source.ts';
import { fillTemplate, parseTemplate } from '../../datasets/map-rows.ts';
import { previewDataset, type DataPreview } from '../../datasets/preview.ts';
import { readRows } from '../../datasets/read-rows.ts';
import type { Row } from '../../datasets/row.ts';
import type { DataFile } from '../../store/dataset-store.ts';

export interface ExaminedData {
  readonly version: string;
  readonly files: readonly DataFile[];
  readonly bytes: number;
  readonly rows: number;
  readonly columns: readonly DatasetColumn[];
  readonly duplicates: DatasetVersion['duplicates'];
  readonly warnings: readonly string[];
}

const mostWarnings = 20;
/** Rows between two looks at what else the host has to do. */
const rowsAtOnce = 500;

/**
 * The files that a data path stands for, in order, as they are now.
 * @throws EspalierError `data-not-found`, those of `dataSource`
 */
export async function dataFiles(path: string): Promise<DataFile[]> {
  const { files } = await dataSource(path);
  return Promise.all(
    files.map(async (file) => {
      const status = await stat(file).catch(() => null);
      if (status === null) {
        throw userError('data-not-found', 'There is no such data file or folder.', {
          where: file,
          advice: 'It may have been moved or renamed: choose it again.',
        });
      }
      return { path: file, size: status.size, changedAt: status.mtimeMs };
    }),
  );
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

/** Hash of the content that a data path stands for; equal hashes mean equal data. */
export async function contentHash(path: string): Promise<string> {
  const { part } = await dataSource(path);
  const hash = await dataHash([path]);
  // Several data sets inside one file are contents of their own.
  return part === undefined ? hash : createHash('sha256').update(`${hash}#${part}`).digest('hex');
}

export interface ExamineListener {
  readonly signal: AbortSignal;
  /** Rows read, and about how many there will be. */
  readonly onProgress: (rows: number, total: number | null) => void;
}

/** The question of a row, by the mapping where there is one, else by what the columns seem to be. */
function questionOf(
  mapping: DatasetMapping | null,
  { guess, columns }: DataPreview,
): ((row: Row) => string) | undefined {
  const guessed = guess.template ?? (guess.prompt === null ? null : `{${guess.prompt}}`);
  const template =
    mapping?.messages ??
    mapping?.prompt ??
    guessed ??
    (guess.messages === null ? null : `{${guess.messages}}`);
  if (template === null) return undefined;
  const parts = parseTemplate(template, 'data.prompt');
  const known = parts.some(
    (part) => 'column' in part && columns.some(({ name }) => part.column.split('.')[0] === name),
  );
  return known ? (row) => fillTemplate(parts, row) : undefined;
}

/**
 * Reads everything once.
 * @param mapping by which questions are told from each other
 * @throws EspalierError of the readers with file and line; `data-changing` where it was written meanwhile; the signal's reason
 */
export async function examineData(
  path: string,
  mapping: DatasetMapping | null,
  { signal, onProgress }: ExamineListener,
): Promise<ExaminedData> {
  const files = await dataFiles(path);
  const preview = await previewDataset(path, 1);
  const statistics = new StatisticsCollector(questionOf(mapping, preview));
  const warnings: string[] = [];
  let rows = 0;
  let share = 0;
  const batches = readRows(path, {
    onWarning: (message) => {
      if (warnings.length < mostWarnings) warnings.push(message);
    },
    onProgress: (now) => {
      share = now;
    },
  });
  for await (const batch of batches) {
    signal.throwIfAborted();
    for (let first = 0; first < batch.length; first += rowsAtOnce) {
      for (const row of batch.slice(first, first + rowsAtOnce)) statistics.add(row);
      // Calls of windows are answered meanwhile.
      await nextTurn();
    }
    rows += batch.length;
    onProgress(rows, preview.count ?? (share > 0 ? Math.max(rows, Math.round(rows / share)) : null));
  }
  signal.throwIfAborted();
  const version = await contentHash(path);
  signal.throwIfAborted();
  if (!sameFiles(await dataFiles(path), files)) {
    throw userError('data-changing', 'The data was changed while it was read.', {
      where: path,
      advice: 'Import it again when the program that writes it is done.',
    });
  }
  onProgress(rows, rows);
  const { columns, duplicates, omittedColumns } = statistics.result();
  if (omittedColumns > 0) warnings.push(`${omittedColumns} more columns are not examined.`);
  const shown = new Map(preview.columns.map((column) => [column.name, column]));
  return {
    version,
    files,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    rows,
    columns: columns.map(({ frequent, numbers, lengths, ...column }): DatasetColumn => {
      const classes = shown.get(column.name)?.classes;
      return {
        ...column,
        // The file itself, or a look at whole values, may know more than kinds of single ones.
        type: shown.get(column.name)?.type ?? column.type,
        example: shown.get(column.name)?.example ?? '',
        numbers: plain(numbers),
        lengths: plain(lengths),
        frequent: [...frequent],
        ...(classes === undefined ? {} : { classes }),
      };
    }),
    duplicates,
    warnings,
  };
}

type Distribution = NonNullable<ReturnType<StatisticsCollector['result']>['columns'][number]['numbers']>;

function plain(distribution: Distribution | null): DatasetColumn['numbers'] {
  if (distribution === null) return null;
  const { min, max, mean, histogram } = distribution;
  return { min, max, mean, histogram: { ...histogram, counts: [...histogram.counts] } };
}
