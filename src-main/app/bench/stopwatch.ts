/** Times and memory of a measurement. */

/** What a measurement prints: figures by name. Times in seconds, memory in bytes. */
export type Measured = Record<string, number>;

/** Median of a list of numbers; NaN of an empty one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Highest resident memory of this process so far, bytes. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** Seconds that the work takes. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/**
 * Repeats short work until it fills some time, so that the clock's steps do not matter; the first call is not counted.
 * @returns the median of the seconds of one call
 */
export function timedOften(work: () => unknown, leastSeconds = 0.5, leastCalls = 5): number {
  work();
  const seconds: number[] = [];
  for (let total = 0; total < leastSeconds || seconds.length < leastCalls; total += seconds.at(-1) ?? 0) {
    const start = performance.now();
    work();
    seconds.push((performance.now() - start) / 1000);
  }
  return median(seconds);
}
