/** Statistics in one pass: counts that add up, ranges, different values, questions asked twice, cancelling. */
import { columnText } from '../../../src-main/datasets/column-path.ts';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdaptiveHistogram } from '../../../src-main/datasets/adaptive-histogram.ts';
import { StatisticsCollector, columnStatistics } from '../../../src-main/datasets/column-statistics.ts';
import { DistinctCount } from '../../../src-main/datasets/distinct-count.ts';
import { readRows } from '../../../src-main/datasets/read-rows.ts';
import type { Row } from '../../../src-main/datasets/row.ts';

const samples = resolve(import.meta.dirname, '../../../resources/datasets');

function statistics(rows: Row[], prompt?: (row: Row) => string) {
  const collector = new StatisticsCollector(prompt);
  for (const row of rows) collector.add(row);
  return collector.result();
}

describe('AdaptiveHistogram', () => {
  const values = fc.oneof(
    fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 50 }),
    fc.array(fc.integer({ min: -50, max: 100_000 }), { minLength: 1, maxLength: 3000 }),
    fc.constant([...Array.from({ length: 1500 }, () => 0), -1, 1e9, -1e9]),
  );

  it('counts every value once, in bins that hold it', () => {
    fc.assert(
      fc.property(values, (list) => {
        const histogram = new AdaptiveHistogram(0);
        for (const value of list) histogram.add(value);
        const result = histogram.result();
        if (result === null) throw new Error('no histogram');
        const { start, width, counts } = result;
        expect(counts.length).toBeLessThanOrEqual(64);
        const clamped = list.map((value) => Math.min(1e300, Math.max(-1e300, value)));
        for (const [i, count] of counts.entries()) {
          const inside = clamped.filter((value) => {
            const bin = Math.floor(value / width) - Math.round(start / width);
            return bin === i;
          });
          expect(inside.length).toBe(count);
        }
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(list.length);
        expect(counts[0]).toBeGreaterThan(0);
        expect(counts.at(-1)).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  it('has bins of whole numbers where it is told so', () => {
    const histogram = new AdaptiveHistogram(1);
    for (const value of [3, 3, 4, 6]) histogram.add(value);
    expect(histogram.result()).toEqual({ start: 3, width: 1, counts: [2, 1, 0, 1] });
    expect(new AdaptiveHistogram(1).result()).toBeNull();
  });
});

describe('DistinctCount', () => {
  const count = (texts: number) => {
    const distinct = new DistinctCount();
    for (let i = 0; i < 2 * texts; i++) distinct.add(`text ${i % texts}`);
    return distinct.result();
  };

  it('is exact up to its limit', () => {
    for (const texts of [0, 1, 777, 10_000]) expect(count(texts)).toEqual({ count: texts, exact: true });
  });

  it.each([10_001, 30_000, 100_000])('estimates %i different texts and says so', (texts) => {
    const { count: estimate, exact } = count(texts);
    expect(exact).toBe(false);
    expect(Math.abs(estimate - texts) / texts).toBeLessThan(0.03);
  });
});

describe('StatisticsCollector', () => {
  it('describes columns of every kind', () => {
    const { columns, rows } = statistics([
      { n: 1, t: 'a', d: '1.5', b: true, l: [1, 2], o: { x: 'y' }, m: 1, e: null },
      { n: 3, t: 'bbb', d: '2.5', b: false, l: [], o: { x: ' ' }, m: 'one', e: '' },
      { t: 'a', d: '7' },
    ]);
    const of = (name: string) => columns.find((column) => column.name === name);
    expect(rows).toBe(3);
    expect(columns.map(({ name, type, missing }) => `${name}: ${type}, ${missing}`)).toEqual([
      'n: number, 1',
      't: text, 0',
      'd: number as text, 0',
      'b: yes/no, 1',
      'l: list, 1',
      'o: object, 1',
      'o.x: text, 2',
      'm: mixed, 1',
      'e: empty, 3',
    ]);
    expect(of('n')?.numbers).toMatchObject({ min: 1, max: 3, mean: 2 });
    expect(of('d')?.numbers).toMatchObject({ min: 1.5, max: 7 });
    expect(of('t')).toMatchObject({
      distinct: { count: 2, exact: true },
      lengths: { min: 1, max: 3, histogram: { start: 1, width: 1, counts: [2, 0, 1] } },
      frequent: [
        { value: 'a', count: 2 },
        { value: 'bbb', count: 1 },
      ],
      numbers: null,
    });
    expect(of('l')?.lengths).toMatchObject({ min: 0, max: 2 });
  });

  it('counts questions that are asked twice, whatever their white space', () => {
    const rows: Row[] = [{ q: 'a b' }, { q: ' a  b' }, { q: 'c' }, { q: 'e\u0301' }, { q: 'é' }];
    expect(statistics(rows, (row) => columnText(row, 'q')).duplicates).toEqual({ count: 2, exact: true });
    expect(statistics(rows).duplicates).toBeNull();
  });

  it('bounds the columns that it examines', () => {
    const wide = Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`c${i}`, i]));
    const { columns, omittedColumns } = statistics([wide]);
    expect([columns.length, omittedColumns]).toEqual([500, 200]);
  });
});

describe('columnStatistics', () => {
  it('reads a whole file and tells how far it is', async () => {
    const shares: number[] = [];
    const path = resolve(samples, 'add-sub');
    const found = await columnStatistics(readRows(path, { onProgress: (share) => shares.push(share) }), {
      prompt: (row) => columnText(row, 'prompt'),
    });
    expect(found.rows).toBe(6492);
    expect(found.columns.find(({ name }) => name === 'difficulty')?.frequent.length).toBe(5);
    expect(found.duplicates).toEqual({ count: 0, exact: true });
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
  });

  it('ends when it is cancelled', async () => {
    const controller = new AbortController();
    let batches = 0;
    async function* endless(): AsyncGenerator<Row[]> {
      for (;;) {
        batches += 1;
        if (batches === 3) controller.abort(new Error('enough'));
        yield await Promise.resolve([{ a: batches }]);
      }
    }
    await expect(columnStatistics(endless(), { signal: controller.signal })).rejects.toThrow('enough');
    expect(batches).toBe(3);
  });
});
