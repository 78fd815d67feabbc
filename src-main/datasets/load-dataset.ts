/** A data file → the rows to use: filtered, and at most so many, drawn by the seed. */
import { randomStream } from '../contract/random.ts';
import { userError } from '../contract/errors.ts';
import { columnNames, columnValue, describeColumns } from './column-path.ts';
import type { ReadOptions } from './read-rows.ts';
import { readRows } from './read-rows.ts';
import type { DatasetRow, Json, Row } from './row.ts';

export interface DatasetRequest extends Omit<ReadOptions, 'onWarning'> {
  readonly path: string;
  /** Column names or paths with the values to keep; a row must match all of them. */
  readonly filter?: Readonly<Record<string, readonly (string | number | boolean)[]>> | undefined;
  /** Most rows to use. */
  readonly limit?: number | undefined;
  /** Draws the rows when `limit` is set. */
  readonly seed: number;
}

export interface LoadedDataset {
  /** The rows to use, in the order of the file. */
  readonly rows: DatasetRow[];
  /** Rows in the file. */
  readonly total: number;
  readonly warnings: string[];
}

/** First number of the stream that draws rows; keeps it apart from other uses of the seed. */
const DRAW_ROWS = 0x726f7773;
const MOST_WARNINGS = 20;
const SEEN_ROWS = 1000;

type Wanted = string | number | boolean;

/** Whether a cell is one of the wanted values; cells of a CSV file are text, so `"2"` equals 2. */
function matches(value: Json | undefined, wanted: readonly Wanted[]): boolean {
  if (value === undefined || value === null || typeof value === 'object') return false;
  return wanted.some(
    (one) =>
      value === one ||
      String(value) === String(one) ||
      (typeof one === 'number' && typeof value === 'string' && value.trim() !== '' && Number(value) === one),
  );
}

/** Names of kinds for warnings about a column that changes its kind. */
function kindOf(value: Json): string | undefined {
  if (value === null) return undefined;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Remembers the kind of each column, and says once where it changes. */
function kindWatch(path: string, warn: (message: string) => void): (row: Row, index: number) => void {
  const kinds = new Map<string, string>();
  const told = new Set<string>();
  return (row, index) => {
    for (const [name, value] of Object.entries(row)) {
      const kind = kindOf(value);
      if (kind === undefined || told.has(name)) continue;
      const before = kinds.get(name);
      if (before === undefined) kinds.set(name, kind);
      else if (before !== kind) {
        told.add(name);
        warn(`${path}, row ${index + 1}: column “${name}” is ${kind} here, ${before} in the rows before.`);
      }
    }
  };
}

function noMatch(request: DatasetRequest, seen: Row[], values: Map<string, Set<string>>): Error {
  const filter = request.filter ?? {};
  const names = columnNames(seen);
  const missing = Object.keys(filter).find((name) => (values.get(name)?.size ?? 0) === 0);
  if (missing !== undefined) {
    return userError('data-filter-column', `The filter names a column “${missing}”, which no row has.`, {
      where: request.path,
      advice: describeColumns(missing, names),
    });
  }
  const found = [...values].map(([name, set]) => `${name}: ${[...set].join(', ')}`).join('; ');
  return userError('data-filter-empty', 'No row of this file passes the filter.', {
    where: request.path,
    advice: `Values that were found: ${found}.`,
  });
}

/** Keeps the rows with the smallest random numbers: the same draw however the file is read, in bounded memory. */
class SeededDraw {
  private readonly limit: number;
  private readonly random: { uniform(counter: number): number };
  private kept: { row: DatasetRow; key: number }[] = [];
  private ceiling = 1;

  constructor(limit: number, seed: number) {
    this.limit = limit;
    this.random = randomStream([seed, DRAW_ROWS]);
  }

  add(row: DatasetRow): void {
    const key = this.random.uniform(row.index);
    if (key > this.ceiling) return;
    this.kept.push({ row, key });
    if (this.kept.length >= 2 * this.limit + 1024) this.cut();
  }

  private cut(): void {
    this.kept.sort((a, b) => a.key - b.key || a.row.index - b.row.index);
    this.kept.length = Math.min(this.kept.length, this.limit);
    this.ceiling = this.kept.length < this.limit ? 1 : (this.kept.at(-1)?.key ?? 1);
  }

  rows(): DatasetRow[] {
    this.cut();
    return this.kept.map(({ row }) => row).sort((a, b) => a.index - b.index);
  }
}

/**
 * Reads a data file.
 * @throws EspalierError as `readRows` does, `data-filter-column` or `data-filter-empty`
 */
export async function loadDataset(request: DatasetRequest): Promise<LoadedDataset> {
  const warnings: string[] = [];
  const onWarning = (message: string): void => {
    if (warnings.length < MOST_WARNINGS) warnings.push(message);
  };
  const { path, filter, limit, seed, ...reading } = request;
  const conditions = Object.entries(filter ?? {});
  const values = new Map(conditions.map(([name]) => [name, new Set<string>()]));
  const draw = limit === undefined ? undefined : new SeededDraw(limit, seed);
  const watch = kindWatch(path, onWarning);
  const rows: DatasetRow[] = [];
  const seen: Row[] = [];
  let total = 0;
  let passed = 0;
  for await (const batch of readRows(path, { ...reading, onWarning })) {
    for (const row of batch) {
      const index = total++;
      if (seen.length < SEEN_ROWS) seen.push(row);
      watch(row, index);
      let keep = true;
      for (const [name, wanted] of conditions) {
        const value = columnValue(row, name);
        const found = values.get(name);
        if (value !== undefined && found !== undefined && found.size < 12)
          found.add(JSON.stringify(value).slice(0, 60));
        if (!matches(value, wanted)) keep = false;
      }
      if (!keep) continue;
      passed += 1;
      if (draw === undefined) rows.push({ index, row });
      else draw.add({ index, row });
    }
  }
  if (passed === 0) throw noMatch(request, seen, values);
  const only = seen[0];
  if (total === 1 && only !== undefined && Object.keys(only).join() === 'error') {
    onWarning(
      `${path}: the only row is an error message (${JSON.stringify(only['error']).slice(0, 100)}); is this the data?`,
    );
  }
  return { rows: draw?.rows() ?? rows, total, warnings };
}
