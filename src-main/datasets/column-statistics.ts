/**
 * Statistics of all columns in one pass over the rows, in memory that does not grow with the file: kinds, missing and
 * different values, ranges and histograms, lengths, the most frequent values, and questions that are asked twice.
 */
import { AdaptiveHistogram, type Histogram } from './adaptive-histogram.ts';
import { DistinctCount, textKey } from './distinct-count.ts';
import type { Json, Row } from './row.ts';
import { isObject } from './row.ts';
import { questionKey } from './split.ts';
import { commonKind, valueKind } from './value-kind.ts';

/** A range with its distribution. */
export interface Distribution {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly histogram: Histogram;
}

export interface ColumnStatistics {
  /** Name, or `outer.inner` for what lies in objects. */
  readonly name: string;
  /** Kind of its values: text, number, number as text, yes/no, list, object, empty, or mixed. */
  readonly type: string;
  /** Rows in which the column is absent, null or blank text. */
  readonly missing: number;
  /** Different values (of texts, numbers and yes/no); an estimate where not exact. */
  readonly distinct: { readonly count: number; readonly exact: boolean };
  /** Values, where the column holds numbers. */
  readonly numbers: Distribution | null;
  /** Characters (UTF-16 units) of texts, elements of lists. */
  readonly lengths: Distribution | null;
  /** The most frequent values with their counts, where there are few different ones. */
  readonly frequent: readonly { readonly value: string; readonly count: number }[];
}

export interface DatasetStatistics {
  readonly rows: number;
  readonly columns: readonly ColumnStatistics[];
  /** Columns beyond the most that are examined. */
  readonly omittedColumns: number;
  /** Rows whose question was asked before; null when no question was given to compare. At least so many when not exact. */
  readonly duplicates: { readonly count: number; readonly exact: boolean } | null;
}

/** Nested data can have a column for every key that ever occurred. */
const MOST_COLUMNS = 500;
const MOST_FREQUENT = 20;
/** Different values up to which every one is counted. */
const COUNTED_VALUES = 200;
const LONGEST_VALUE = 80;
/** Questions that are remembered: their keys take about 80 MB. */
const MOST_QUESTIONS = 2_000_000;

class RunningDistribution {
  readonly #histogram: AdaptiveHistogram;
  #count = 0;
  #mean = 0;
  #min = Infinity;
  #max = -Infinity;

  constructor(smallestBin: number) {
    this.#histogram = new AdaptiveHistogram(smallestBin);
  }

  add(value: number): void {
    this.#count += 1;
    // A running mean does not overflow where a sum would.
    this.#mean += (value - this.#mean) / this.#count;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
    this.#histogram.add(value);
  }

  result(): Distribution | null {
    const histogram = this.#histogram.result();
    return histogram === null ? null : { min: this.#min, max: this.#max, mean: this.#mean, histogram };
  }
}

class ColumnCollector {
  readonly #name: string;
  readonly #kinds = new Set<string>();
  readonly #distinct = new DistinctCount();
  readonly #numbers = new RunningDistribution(0);
  readonly #lengths = new RunningDistribution(1);
  #counts: Map<string, number> | undefined = new Map();
  #present = 0;

  constructor(name: string) {
    this.#name = name;
  }

  add(value: Json): void {
    const kind = valueKind(value);
    if (kind === 'empty') return;
    this.#present += 1;
    this.#kinds.add(kind);
    if (Array.isArray(value)) return this.#lengths.add(value.length);
    if (isObject(value) || value === null) return;
    const text = String(value);
    this.#distinct.add(text);
    this.#frequency(text);
    if (typeof value === 'string') this.#lengths.add(value.length);
    if (typeof value === 'number') this.#numbers.add(value);
    else if (kind === 'number as text') this.#numbers.add(Number(text));
  }

  #frequency(text: string): void {
    if (this.#counts === undefined) return;
    const key = text.slice(0, LONGEST_VALUE);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (this.#counts.size > COUNTED_VALUES) this.#counts = undefined;
  }

  result(rows: number): ColumnStatistics {
    const type = commonKind(this.#kinds);
    return {
      name: this.#name,
      type,
      missing: rows - this.#present,
      distinct: this.#distinct.result(),
      numbers: type === 'number' || type === 'number as text' ? this.#numbers.result() : null,
      lengths: this.#lengths.result(),
      frequent: [...(this.#counts ?? [])]
        .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
        .slice(0, MOST_FREQUENT)
        .map(([value, count]) => ({ value: value.toWellFormed(), count })),
    };
  }
}

/** Collects statistics row by row. */
export class StatisticsCollector {
  readonly #columns = new Map<string, ColumnCollector>();
  readonly #omitted = new Set<string>();
  readonly #prompt: ((row: Row) => string) | undefined;
  readonly #questions = new Set<number>();
  #rows = 0;
  #duplicates = 0;
  #allRemembered = true;

  /** @param prompt the question of a row, to count those asked twice (white space and accents' encoding do not count) */
  constructor(prompt?: (row: Row) => string) {
    this.#prompt = prompt;
  }

  add(row: Row): void {
    this.#rows += 1;
    for (const [name, value] of Object.entries(row)) {
      this.#column(name)?.add(value);
      if (!isObject(value)) continue;
      for (const [inner, one] of Object.entries(value)) this.#column(`${name}.${inner}`)?.add(one);
    }
    if (this.#prompt !== undefined) this.#question(this.#prompt(row));
  }

  #column(name: string): ColumnCollector | undefined {
    const known = this.#columns.get(name);
    if (known !== undefined) return known;
    if (this.#columns.size >= MOST_COLUMNS) {
      if (this.#omitted.size < MOST_COLUMNS) this.#omitted.add(name);
      return undefined;
    }
    const made = new ColumnCollector(name);
    this.#columns.set(name, made);
    return made;
  }

  #question(prompt: string): void {
    const key = textKey(questionKey(prompt));
    if (this.#questions.has(key)) this.#duplicates += 1;
    else if (this.#questions.size < MOST_QUESTIONS) this.#questions.add(key);
    else this.#allRemembered = false;
  }

  result(): DatasetStatistics {
    return {
      rows: this.#rows,
      columns: [...this.#columns.values()].map((column) => column.result(this.#rows)),
      omittedColumns: this.#omitted.size,
      duplicates: this.#prompt === undefined ? null : { count: this.#duplicates, exact: this.#allRemembered },
    };
  }
}

export interface StatisticsRequest {
  /** The question of a row, to count those that are asked twice. */
  readonly prompt?: (row: Row) => string;
  /** Ends the pass; what it throws then is the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads all batches of rows to the end; progress is what their reader reports.
 * @throws whatever the reader throws, and the reason of the signal when cancelled
 */
export async function columnStatistics(
  batches: AsyncIterable<readonly Row[]>,
  request: StatisticsRequest = {},
): Promise<DatasetStatistics> {
  const collector = new StatisticsCollector(request.prompt);
  for await (const rows of batches) {
    request.signal?.throwIfAborted();
    for (const row of rows) collector.add(row);
  }
  return collector.result();
}
