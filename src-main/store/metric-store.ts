/**
 * Metrics: one row for each step, all its numbers in one blob of little-endian doubles. The names are
 * stored once for each set of them, so that 50,000 steps of 40 metrics are 50,000 short rows.
 */
import { endianness } from 'node:os';
import { z } from 'zod';
import type { Series } from '../contract/calls.ts';
import type { Connection } from './open-database.ts';
import { prepared } from './prepared.ts';

const swaps = endianness() === 'BE';
const namesSchema = z.array(z.string());
const setIdSchema = z.object({ id: z.int() });

/** Where the values of one set of names go while series are read. */
interface SetReader {
  readonly size: number;
  /** For each wanted name: its place in the blob and the series that it fills. */
  readonly targets: readonly { readonly index: number; readonly series: Series }[];
}

export class MetricStore {
  readonly #connection: Connection;
  readonly #setIds = new Map<string, number>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Stores the metrics of one step; a second call for the same step takes the place of the first. */
  put(run: number, step: number, metrics: Readonly<Record<string, number>>, at: number): void {
    const names = Object.keys(metrics).sort();
    const values = Float64Array.from(names, (name) => metrics[name] ?? Number.NaN);
    const bytes = Buffer.from(values.buffer);
    if (swaps) bytes.swap64();
    prepared(
      this.#connection,
      'INSERT OR REPLACE INTO steps (run, step, at, metric_set, metrics) VALUES (?, ?, ?, ?, ?)',
    ).run(run, step, at, this.#setId(names), bytes);
  }

  /** The series of a run in step order, by name; all of them, or those named. Unknown names are left out. */
  series(run: number, wanted?: readonly string[]): Series[] {
    const byName = new Map<string, Series>();
    const readers = new Map<number, SetReader>();
    let scratch = new Float64Array(0);
    const rows = this.#connection
      .prepare('SELECT step, metric_set, metrics FROM steps WHERE run = ? ORDER BY step')
      .raw()
      .iterate(run);
    for (const row of rows) {
      // Checked by hand: this loop reads tens of thousands of rows.
      if (!isList(row)) throw new Error('internal: a row of steps is not a list');
      const [step, set, blob] = row;
      if (typeof step !== 'number' || typeof set !== 'number' || !(blob instanceof Uint8Array)) {
        throw new Error('internal: a row of steps has other columns than expected');
      }
      let reader = readers.get(set);
      if (reader === undefined) {
        reader = this.#reader(set, wanted, byName);
        readers.set(set, reader);
      }
      if (blob.byteLength !== reader.size * 8)
        throw new Error(`internal: step ${step} has ${blob.byteLength} bytes of metrics`);
      if (scratch.length < reader.size) scratch = new Float64Array(reader.size);
      const bytes = Buffer.from(scratch.buffer, 0, blob.byteLength);
      bytes.set(blob);
      if (swaps) bytes.swap64();
      for (const { index, series } of reader.targets) {
        series.steps.push(step);
        series.values.push(scratch[index] ?? Number.NaN);
      }
    }
    return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Removes the metrics of steps after `step`. */
  dropAfter(run: number, step: number): void {
    prepared(this.#connection, 'DELETE FROM steps WHERE run = ? AND step > ?').run(run, step);
  }

  /** Forgets what it remembers of stored rows, after a transaction was rolled back. */
  forget(): void {
    this.#setIds.clear();
  }

  #reader(set: number, wanted: readonly string[] | undefined, byName: Map<string, Series>): SetReader {
    const row = prepared(this.#connection, 'SELECT names FROM metric_sets WHERE id = ?').get(set);
    const names = namesSchema.parse(JSON.parse(z.object({ names: z.string() }).parse(row).names));
    const targets: { index: number; series: Series }[] = [];
    for (const [index, name] of names.entries()) {
      if (wanted !== undefined && !wanted.includes(name)) continue;
      let series = byName.get(name);
      if (series === undefined) {
        series = { name, steps: [], values: [] };
        byName.set(name, series);
      }
      targets.push({ index, series });
    }
    return { size: names.length, targets };
  }

  #setId(sortedNames: readonly string[]): number {
    const text = JSON.stringify(sortedNames);
    const known = this.#setIds.get(text);
    if (known !== undefined) return known;
    prepared(this.#connection, 'INSERT OR IGNORE INTO metric_sets (names) VALUES (?)').run(text);
    const { id } = setIdSchema.parse(
      prepared(this.#connection, 'SELECT id FROM metric_sets WHERE names = ?').get(text),
    );
    this.#setIds.set(text, id);
    return id;
  }
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
