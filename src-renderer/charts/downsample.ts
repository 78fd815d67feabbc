/**
 * Thins a line for drawing: the visible window is cut into buckets of equal width, and each bucket keeps its
 * first, lowest, highest and last point, so that peaks and dips of long runs never vanish.
 */
export interface Point {
  x: number;
  y: number;
}

/** Index of the first entry that is not below `value`; `xs` rises. */
export function lowerBound(xs: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((xs[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Points of the line between `from` and `to` (and one beyond each side, so that the line leaves the frame).
 * At most about `4 * buckets` of them. Values that are not finite are left out.
 */
export function downsample(
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  from: number,
  to: number,
  buckets: number,
): Point[] {
  const start = Math.max(0, lowerBound(xs, from) - 1);
  let end = lowerBound(xs, to);
  while (end < xs.length && (xs[end] ?? 0) <= to) end += 1;
  end = Math.min(xs.length, end + 1);
  const points: Point[] = [];
  const push = (index: number): void => {
    const x = xs[index];
    const y = ys[index];
    if (x !== undefined && y !== undefined && Number.isFinite(y)) points.push({ x, y });
  };
  if (end - start <= 4 * buckets) {
    for (let index = start; index < end; index += 1) push(index);
    return points;
  }
  const width = (end - start) / buckets;
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const first = start + Math.floor(bucket * width);
    const last = Math.max(first, start + Math.floor((bucket + 1) * width) - 1);
    let lowest = -1;
    let highest = -1;
    for (let index = first; index <= last; index += 1) {
      const y = ys[index] ?? Number.NaN;
      if (!Number.isFinite(y)) continue;
      if (lowest < 0 || y < (ys[lowest] ?? 0)) lowest = index;
      if (highest < 0 || y > (ys[highest] ?? 0)) highest = index;
    }
    const kept = [...new Set([first, lowest, highest, last])]
      .filter((index) => index >= 0)
      .sort((a, b) => a - b);
    for (const index of kept) push(index);
  }
  return points;
}

/** How many points the average over a line of this length takes together. */
export function averageWindow(length: number): number {
  return Math.max(5, Math.round(length / 40));
}

/**
 * Mean of the `window` points around each point (fewer at both ends), so that it does not lag behind. It is
 * drawn over the raw line, never instead of it. Values that are not finite are left out.
 */
export function centredMean(ys: ArrayLike<number>, window: number): Float64Array {
  const sums = new Float64Array(ys.length + 1);
  const counts = new Float64Array(ys.length + 1);
  for (let index = 0; index < ys.length; index += 1) {
    const y = ys[index] ?? Number.NaN;
    const counted = Number.isFinite(y);
    sums[index + 1] = (sums[index] ?? 0) + (counted ? y : 0);
    counts[index + 1] = (counts[index] ?? 0) + (counted ? 1 : 0);
  }
  const half = Math.floor(window / 2);
  return Float64Array.from({ length: ys.length }, (_, index) => {
    const start = Math.max(0, index - half);
    const end = Math.min(ys.length, index + half + 1);
    return ((sums[end] ?? 0) - (sums[start] ?? 0)) / ((counts[end] ?? 0) - (counts[start] ?? 0));
  });
}

/** Index of the entry nearest to `value`; −1 when there is none. */
export function nearest(xs: ArrayLike<number>, value: number): number {
  if (xs.length === 0) return -1;
  const right = Math.min(xs.length - 1, lowerBound(xs, value));
  const left = Math.max(0, right - 1);
  return Math.abs((xs[left] ?? 0) - value) <= Math.abs((xs[right] ?? 0) - value) ? left : right;
}
