/** Lengths in tokens, counted into bins of equal and round width. Pure. */
import type { LengthHistogram } from '../contract/datasets.ts';

const mostBins = 24;

/** Smallest of 1, 2, 5, 10, 20, 50, … with which the lengths fill at most so many bins. */
function binWidth(span: number): number {
  for (let unit = 1; ; unit *= 10) {
    for (const factor of [1, 2, 5]) if (span / (unit * factor) <= mostBins) return unit * factor;
  }
}

/** Counts lengths of zero or more tokens; null where there are none. */
export function lengthHistogram(lengths: readonly number[]): LengthHistogram | null {
  if (lengths.length === 0) return null;
  const sorted = Float64Array.from(lengths).sort();
  const least = sorted[0] ?? 0;
  const most = sorted.at(-1) ?? 0;
  const width = binWidth(most - least + 1);
  const first = Math.floor(least / width) * width;
  const bins = Math.floor((most - first) / width) + 1;
  const counts = new Array<number>(bins).fill(0);
  let sum = 0;
  for (const length of sorted) {
    const bin = Math.floor((length - first) / width);
    counts[bin] = (counts[bin] ?? 0) + 1;
    sum += length;
  }
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return {
    edges: Array.from({ length: bins + 1 }, (_, bin) => first + bin * width),
    counts,
    least,
    most,
    mean: sum / sorted.length,
    median: sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2,
  };
}
