/**
 * Which prompts are read together: a prompt that is the beginning of another is read with it, as the cache of the
 * longer one holds its own. Continuations from many places of one answer so cost one reading of the answer.
 */

/** One pass over a prompt, after which several of its beginnings can be continued. */
export interface Reading {
  readonly prompt: Int32Array;
  /** Lengths of the beginnings that are asked for, the whole prompt among them. */
  readonly lengths: readonly number[];
}

/**
 * The reading of each prompt.
 * @param prompts different prompts by key
 * @param most beginnings that one reading may serve
 */
export function shareReading(
  prompts: ReadonlyMap<string, Int32Array>,
  most: number,
): ReadonlyMap<string, Reading> {
  const sorted = [...prompts].sort(([, a], [, b]) => compare(a, b));
  const readings = new Map<string, Reading>();
  let present: { prompt: Int32Array; lengths: number[] } | null = null;
  // A prompt stands right before those that it begins, so going backwards the longest comes first.
  let after: Int32Array | null = null;
  for (const [key, prompt] of sorted.reverse()) {
    const shared: boolean = after !== null && begins(prompt, after);
    if (present === null || !shared || present.lengths.length >= most) present = { prompt, lengths: [] };
    present.lengths.push(prompt.length);
    readings.set(key, present);
    after = prompt;
  }
  return readings;
}

/** Word order of token ids: the first difference decides, a beginning comes before what it begins. */
function compare(a: Int32Array, b: Int32Array): number {
  const length = Math.min(a.length, b.length);
  for (let place = 0; place < length; place++) {
    const difference = a[place]! - b[place]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function begins(shorter: Int32Array, longer: Int32Array): boolean {
  if (shorter.length > longer.length) return false;
  for (let place = 0; place < shorter.length; place++) if (shorter[place] !== longer[place]) return false;
  return true;
}
