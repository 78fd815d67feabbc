/** A histogram of numbers whose range is not known ahead: every count is exact, and the bins widen as values come. */

/** Counts of values in bins of one width. */
export interface Histogram {
  /** Lower edge of the first bin. */
  readonly start: number;
  /** Width of each bin. */
  readonly width: number;
  readonly counts: readonly number[];
}

const BINS = 64;
/** Values that are held before the first range is chosen. */
const FIRST_VALUES = 1000;
/** Beyond it, differences would overflow; such values are counted at the edge. */
const LARGEST = 1e300;

export class AdaptiveHistogram {
  readonly #smallest: number;
  #held: number[] = [];
  #start = 0;
  #width = 0;
  #counts: number[] = [];

  /** @param smallest the least width of a bin: 1 for whole numbers, 0 for any */
  constructor(smallest: number) {
    this.#smallest = smallest;
  }

  /** Counts a finite number. */
  add(number: number): void {
    const value = Math.min(LARGEST, Math.max(-LARGEST, number));
    if (this.#width === 0) {
      this.#held.push(value);
      if (this.#held.length >= FIRST_VALUES) this.#settle();
      return;
    }
    this.#count(value);
  }

  #settle(): void {
    const held = this.#held;
    this.#held = [];
    let [low, high] = [Infinity, -Infinity];
    for (const value of held) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    // Powers of two keep edges exact while bins are merged; below the last digit of a value they would not tell it apart.
    const span = high - low;
    const least = Math.max(this.#smallest, Math.max(Math.abs(low), Math.abs(high)) * 2 ** -50, 2 ** -900);
    const wanted = span / (BINS - 2);
    this.#width = Math.max(2 ** Math.ceil(Math.log2(Math.max(wanted, least))), this.#smallest);
    this.#start = Math.floor(low / this.#width) * this.#width;
    this.#counts = new Array<number>(BINS).fill(0);
    for (const value of held) this.#count(value);
  }

  #count(value: number): void {
    for (;;) {
      const bin = Math.floor(value / this.#width) - Math.round(this.#start / this.#width);
      if (bin >= 0 && bin < BINS) {
        this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
        return;
      }
      this.#widen(bin < 0);
    }
  }

  /** Doubles the width of the bins, merging pairs, so that the range grows downwards or upwards. */
  #widen(down: boolean): void {
    // Bins must start at a multiple of the new width: an odd start takes one bin of room below.
    const odd = Math.round(this.#start / this.#width) % 2 !== 0;
    const shift = (down ? BINS : 0) + (odd ? 1 : 0);
    const start = this.#start - shift * this.#width;
    const counts = new Array<number>(BINS).fill(0);
    const overflow: number[] = [];
    for (const [i, count] of this.#counts.entries()) {
      const bin = Math.floor((i + shift) / 2);
      if (bin < BINS) counts[bin] = (counts[bin] ?? 0) + count;
      else if (count > 0) overflow.push(i);
    }
    if (overflow.length > 0) {
      // The last bin found no room beside the shifted start: widen upwards first.
      return this.#widen(false);
    }
    this.#start = start;
    this.#width *= 2;
    this.#counts = counts;
  }

  /** The bins from the first to the last with a value; null where nothing was counted. */
  result(): Histogram | null {
    if (this.#width === 0) {
      if (this.#held.length === 0) return null;
      this.#settle();
    }
    const first = this.#counts.findIndex((count) => count > 0);
    const last = this.#counts.findLastIndex((count) => count > 0);
    return {
      start: this.#start + first * this.#width,
      width: this.#width,
      counts: this.#counts.slice(first, last + 1),
    };
  }
}
