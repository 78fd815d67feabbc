/**
 * Seeded random numbers without state: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", 2011). Every number is a pure function of a stream (a list of whole numbers such as
 * [seed, purpose, step, response]) and a counter, so that results depend on no order, batch size or resumption.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** First key of every stream: fractional bits of π, so that no stream starts from an all-zero state. */
const ROOT_0 = 0x243f6a88;
const ROOT_1 = 0x85a308d3;

/** Third counter word: keeps numbers of different sorts from sharing a block. */
const PURPOSE = { uniform: 0, normal: 1, permutation: 2, absorb: 3 } as const;

const TWO_32 = 4294967296;
const TWO_NEG_53 = 2 ** -53;

/** Where blocks are written; no call keeps it across another call. */
const block = new Uint32Array(4);

/** A stream with its key worked out once: for many numbers of one stream. */
export interface RandomStream {
  /** Uniform in [0, 1), 53 bits; the same as `uniform(stream, counter)`. */
  uniform(counter: number): number;
  /** Standard normal; the same as `normal(stream, counter)`. */
  normal(counter: number): number;
}

/** Upper 32 bits of the 64-bit product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const lowHigh = Math.imul(aLow, bHigh) >>> 0;
  const highLow = Math.imul(aHigh, bLow) >>> 0;
  const middle = (Math.imul(aLow, bLow) >>> 16) + (lowHigh & 0xffff) + (highLow & 0xffff);
  return (Math.imul(aHigh, bHigh) + (lowHigh >>> 16) + (highLow >>> 16) + (middle >>> 16)) >>> 0;
}

/** Runs the ten rounds and leaves the four words (unsigned 32-bit) in `block`. */
function fillBlock(c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

/**
 * One block of Philox4x32-10.
 * @param counter four unsigned 32-bit words
 * @param key two unsigned 32-bit words
 * @returns four unsigned 32-bit words
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  fillBlock(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
  return [word(0), word(1), word(2), word(3)];
}

function word(index: number): number {
  return block[index] ?? 0;
}

function checkWhole(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(
      `${what} of a random stream must be a whole number from 0 to 2^53 − 1, not ${value}`,
    );
  }
}

/** Hashes a list of whole numbers into a key: each one, with its place, is encrypted under the key so far. */
function keyOf(stream: readonly number[]): [number, number] {
  let k0 = ROOT_0;
  let k1 = ROOT_1;
  for (let place = 0; place < stream.length; place++) {
    const part = stream[place] ?? 0;
    checkWhole(part, 'Every part');
    fillBlock(part >>> 0, Math.floor(part / TWO_32), PURPOSE.absorb, place, k0, k1);
    k0 = word(0);
    k1 = word(1);
  }
  return [k0, k1];
}

function unit(high: number, low: number): number {
  return ((high >>> 5) * 67108864 + (low >>> 6)) * TWO_NEG_53;
}

/**
 * Prepares a stream for many draws.
 * @param stream whole numbers from 0 to 2^53 − 1; lists that differ in any place or in length give independent streams
 * @throws RangeError when a part or, later, a counter is not such a number
 */
export function randomStream(stream: readonly number[]): RandomStream {
  const [k0, k1] = keyOf(stream);
  const fill = (counter: number, purpose: number): void => {
    checkWhole(counter, 'The counter');
    fillBlock(counter >>> 0, Math.floor(counter / TWO_32), purpose, 0, k0, k1);
  };
  return {
    uniform(counter) {
      fill(counter, PURPOSE.uniform);
      return unit(word(0), word(1));
    },
    normal(counter) {
      fill(counter, PURPOSE.normal);
      // Box–Muller; 1 − u lies in (0, 1], so the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log(1 - unit(word(0), word(1))));
      return radius * Math.cos(2 * Math.PI * unit(word(2), word(3)));
    },
  };
}

/**
 * A uniform number in [0, 1) with 53 random bits.
 * @param stream whole numbers from 0 to 2^53 − 1, such as [seed, purpose, step]
 * @param counter which number of the stream, from 0
 */
export function uniform(stream: readonly number[], counter: number): number {
  return randomStream(stream).uniform(counter);
}

/** A standard normal number (mean 0, variance 1); parameters as for `uniform`. */
export function normal(stream: readonly number[], counter: number): number {
  return randomStream(stream).normal(counter);
}

/**
 * A random order of 0 … n − 1 (Fisher–Yates), the same for the same n and stream.
 * @param n how many, from 0 to 2^31 − 1
 * @throws RangeError when n is not such a number
 */
export function permutation(n: number, stream: readonly number[]): Int32Array {
  if (!Number.isInteger(n) || n < 0 || n > 0x7fffffff) {
    throw new RangeError(`A permutation needs a whole number from 0 to 2^31 − 1, not ${n}`);
  }
  const [k0, k1] = keyOf(stream);
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  for (let i = n - 1; i > 0; i--) {
    fillBlock(i, 0, PURPOSE.permutation, 0, k0, k1);
    // 53 bits against at most 2^31 places: the largest bias is below 2^-22 of a share.
    const other = Math.floor(unit(word(0), word(1)) * (i + 1));
    const kept = order[i] ?? 0;
    order[i] = order[other] ?? 0;
    order[other] = kept;
  }
  return order;
}

/** The numbers of a stream one after the other, for code that draws in a fixed order. */
export function randomSequence(stream: readonly number[]): () => number {
  const source = randomStream(stream);
  let counter = 0;
  return () => source.uniform(counter++);
}
