import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dimension } from '../../../src-main/graph/dimension.ts';
import {
  elementCount,
  evaluate,
  factors,
  formatShape,
  multiply,
  sameShape,
} from '../../../src-main/graph/dimension.ts';

const bindings = { B: 3, T: 5, M: 7, S: 2 };
const symbol = fc.constantFrom('B', 'T', 'M', 'S');
const whole = fc.integer({ min: 0, max: 20 });
/** Sizes as people write them: numbers, symbols, and products in any order. */
const dimension: fc.Arbitrary<Dimension> = fc.oneof(
  whole,
  symbol,
  fc
    .array(fc.oneof(symbol, whole.map(String)), { minLength: 2, maxLength: 4 })
    .map((parts) => parts.join('*')),
);

describe('products of sizes', () => {
  it('have the value of the product', () => {
    fc.assert(
      fc.property(fc.array(dimension, { maxLength: 4 }), (dimensions) => {
        const expected = dimensions.reduce<number>((product, one) => product * evaluate(one, bindings), 1);
        expect(evaluate(multiply(...dimensions), bindings)).toBe(expected);
        expect(evaluate(elementCount(dimensions), bindings)).toBe(expected);
      }),
    );
  });

  it('are one canonical form, whatever order and grouping', () => {
    fc.assert(
      fc.property(dimension, dimension, dimension, (a, b, c) => {
        expect(multiply(a, b)).toBe(multiply(b, a));
        expect(multiply(multiply(a, b), c)).toBe(multiply(a, multiply(b, c)));
        expect(multiply(multiply(a))).toBe(multiply(a));
        expect(multiply(a, 1)).toBe(multiply(a));
      }),
    );
  });

  it('are taken apart into what makes them again', () => {
    fc.assert(
      fc.property(dimension, (one) => {
        const { factor, symbols } = factors(multiply(one));
        expect(multiply(factor, ...symbols)).toBe(multiply(one));
        expect([...symbols]).toEqual([...symbols].sort());
      }),
    );
  });

  it('are numbers where no symbol is left', () => {
    expect(multiply()).toBe(1);
    expect(multiply(3, 4)).toBe(12);
    expect(multiply('B', 0)).toBe(0);
    expect(multiply('T', 2, 'B', 3)).toBe('6*B*T');
    expect(multiply('1*B')).toBe('B');
  });
});

it('a symbol without a value is an error that names it', () => {
  expect(() => evaluate('B*X', { B: 1 })).toThrow('dimension X has no value');
});

it('shapes are equal axis by axis', () => {
  expect(sameShape(['B', 3], ['B', 3])).toBe(true);
  expect(sameShape(['B', 3], ['B'])).toBe(false);
  expect(sameShape(['B', 3], ['T', 3])).toBe(false);
  expect(sameShape([], [])).toBe(true);
  expect(formatShape(['B', 3])).toBe('[B, 3]');
});
