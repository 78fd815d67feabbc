/** Philox against its published vectors, and the moments and independence of what is built on it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  normal,
  permutation,
  philox4x32,
  randomSequence,
  randomStream,
  uniform,
} from '../../../src-main/contract/random.ts';

const full = 0xffffffff;

describe('philox4x32', () => {
  // kat_vectors of Random123, the authors' own library.
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [full, full, full, full],
      [full, full],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as [[number, number, number, number], [number, number], number[]][])(
    'equals the published vector %#',
    (counter, key, expected) => {
      expect(philox4x32(counter, key)).toEqual(expected);
    },
  );

  it('equals exact arithmetic with big integers', () => {
    const reference = (counter: number[], key: number[]): number[] => {
      let [c0 = 0n, c1 = 0n, c2 = 0n, c3 = 0n] = counter.map(BigInt);
      let [k0 = 0n, k1 = 0n] = key.map(BigInt);
      const low = (1n << 32n) - 1n;
      for (let round = 0; round < 10; round++) {
        const p0 = 0xd2511f53n * c0;
        const p1 = 0xcd9e8d57n * c2;
        [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & low, (p0 >> 32n) ^ c3 ^ k1, p0 & low];
        k0 = (k0 + 0x9e3779b9n) & low;
        k1 = (k1 + 0xbb67ae85n) & low;
      }
      return [c0, c1, c2, c3].map(Number);
    };
    const word = fc.integer({ min: 0, max: full });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        expect(philox4x32(counter, key)).toEqual(reference(counter, key));
      }),
      { numRuns: 200 },
    );
  });
});

describe('uniform', () => {
  it('is a pure function in [0, 1)', () => {
    const whole = fc.maxSafeNat();
    fc.assert(
      fc.property(fc.array(whole, { maxLength: 6 }), whole, (stream, counter) => {
        const value = uniform(stream, counter);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThan(1);
        expect(uniform([...stream], counter)).toBe(value);
        expect(randomStream(stream).uniform(counter)).toBe(value);
      }),
    );
  });

  it('fills 100 bins evenly, and neighbouring streams and counters are uncorrelated', () => {
    const count = 20_000;
    const bins = new Array<number>(100).fill(0);
    let products = 0;
    let acrossStreams = 0;
    const a = randomStream([7, 1]);
    const b = randomStream([7, 2]);
    for (let i = 0; i < count; i++) {
      const value = a.uniform(i);
      bins[Math.floor(value * 100)]! += 1;
      products += (value - 0.5) * (a.uniform(i + 1) - 0.5);
      acrossStreams += (value - 0.5) * (b.uniform(i) - 0.5);
    }
    const chiSquare = bins.reduce((sum, found) => sum + (found - count / 100) ** 2 / (count / 100), 0);
    expect(chiSquare).toBeGreaterThan(55);
    expect(chiSquare).toBeLessThan(160); // 99 degrees of freedom: mean 99, standard deviation 14
    expect(Math.abs(products / count) * 12 * Math.sqrt(count)).toBeLessThan(4.5);
    expect(Math.abs(acrossStreams / count) * 12 * Math.sqrt(count)).toBeLessThan(4.5);
  });

  it('tells streams apart by value, place, length and the bits above 32', () => {
    const streams = [[], [0], [0, 0], [1], [1, 0], [0, 1], [2 ** 32], [2 ** 32 + 1], [1, 2, 3], [3, 2, 1]];
    expect(new Set(streams.map((stream) => uniform(stream, 0))).size).toBe(streams.length);
    expect(uniform([1], 0)).not.toBe(uniform([1], 2 ** 32));
  });

  it('uses all 53 bits', () => {
    const stream = randomStream([3]);
    let odd = 0;
    for (let i = 0; i < 200; i++) odd += (stream.uniform(i) * 2 ** 53) % 2;
    expect(odd).toBeGreaterThan(60);
    expect(odd).toBeLessThan(140);
  });

  it('refuses what is not a whole number', () => {
    expect(() => uniform([1.5], 0)).toThrow(RangeError);
    expect(() => uniform([-1], 0)).toThrow(RangeError);
    expect(() => uniform([1], Number.NaN)).toThrow(RangeError);
  });

  it('keeps its numbers from version to version, for stored runs must resume', () => {
    expect(uniform([1, 2, 3], 4)).toBe(0.8195242778274425);
    expect(normal([1, 2, 3], 4)).toBe(0.09060634449014225);
    expect([...permutation(8, [1])]).toEqual([1, 5, 0, 2, 4, 6, 7, 3]);
  });
});

describe('normal', () => {
  it('has the moments of the standard normal distribution', () => {
    const source = randomStream([11]);
    const count = 20_000;
    let [first, second, third, fourth] = [0, 0, 0, 0];
    for (let i = 0; i < count; i++) {
      const value = source.normal(i);
      first += value / count;
      second += value ** 2 / count;
      third += value ** 3 / count;
      fourth += value ** 4 / count;
    }
    expect(Math.abs(first)).toBeLessThan(0.03);
    expect(Math.abs(second - 1)).toBeLessThan(0.05);
    expect(Math.abs(third)).toBeLessThan(0.12);
    expect(Math.abs(fourth - 3)).toBeLessThan(0.35);
  });
});

describe('permutation', () => {
  it('is a permutation for every size', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(), (n, seed) => {
        expect([...permutation(n, [seed])].sort((a, b) => a - b)).toEqual(
          Array.from({ length: n }, (_, i) => i),
        );
      }),
    );
  });

  it('gives every order of three equally often', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 3000; seed++) {
      const key = permutation(3, [seed]).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 500)).toBeLessThan(100);
  });

  it('refuses impossible sizes', () => {
    expect(() => permutation(-1, [])).toThrow(RangeError);
    expect(() => permutation(1.5, [])).toThrow(RangeError);
  });
});

describe('randomSequence', () => {
  it('gives the numbers of the stream in order', () => {
    const next = randomSequence([5, 6]);
    expect([next(), next(), next()]).toEqual([uniform([5, 6], 0), uniform([5, 6], 1), uniform([5, 6], 2)]);
  });
});
