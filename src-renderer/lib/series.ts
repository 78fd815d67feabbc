/** Metrics in memory: parallel arrays by name, in step order. */
import type { Series } from '../../src-main/contract/calls.ts';

export type SeriesMap = ReadonlyMap<string, Series>;

/**
 * A map that also holds `more`. Points at or before the last step known replace what is there from that
 * step on: a resumed run does some steps again. Arrays grow in place, the map and its entries are new.
 */
export function appendSeries(map: SeriesMap, more: readonly Series[]): SeriesMap {
  const result = new Map(map);
  for (const part of more) {
    const known = result.get(part.name);
    const first = part.steps[0];
    if (known === undefined) {
      result.set(part.name, { name: part.name, steps: [...part.steps], values: [...part.values] });
      continue;
    }
    if (first === undefined) continue;
    let keep = known.steps.length;
    while (keep > 0 && (known.steps[keep - 1] ?? 0) >= first) keep -= 1;
    known.steps.length = keep;
    known.values.length = keep;
    for (const step of part.steps) known.steps.push(step);
    for (const value of part.values) known.values.push(value);
    result.set(part.name, { ...known });
  }
  return result;
}
