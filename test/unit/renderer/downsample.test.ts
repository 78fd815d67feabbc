import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  averageWindow,
  centredMean,
  downsample,
  lowerBound,
  nearest,
} from '../../../src-renderer/charts/downsample.ts';

describe('downsample', () => {
  it('keeps lowest and highest value of the window and stays small', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 3000 }),
        fc.integer({ min: 1, max: 50 }),
        (ys, buckets) => {
          const xs = ys.map((_, index) => index);
          const points = downsample(xs, ys, 0, ys.length - 1, buckets);
          const values = points.map((point) => point.y);
          expect(points.length).toBeLessThanOrEqual(
            Math.max(ys.length <= 4 * buckets ? ys.length : 0, 4 * buckets),
          );
          expect(values.reduce((a, b) => Math.max(a, b))).toBe(ys.reduce((a, b) => Math.max(a, b)));
          expect(values.reduce((a, b) => Math.min(a, b))).toBe(ys.reduce((a, b) => Math.min(a, b)));
          for (let index = 1; index < points.length; index += 1) {
            expect(points[index]!.x).toBeGreaterThan(points[index - 1]!.x);
          }
        },
      ),
    );
  });

  it('takes one point beyond each side of the window, so that the line leaves the frame', () => {
    const xs = [0, 10, 20, 30, 40];
    expect(downsample(xs, [1, 2, 3, 4, 5], 15, 25, 100).map((point) => point.x)).toEqual([10, 20, 30]);
  });

  it('leaves out values that are not finite', () => {
    expect(downsample([0, 1, 2], [1, Number.NaN, 3], 0, 2, 10)).toEqual([
      { x: 0, y: 1 },
      { x: 2, y: 3 },
    ]);
  });
});

describe('centredMean', () => {
  it('leaves a straight line as it is, away from the ends', () => {
    const line = Array.from({ length: 100 }, (_, index) => 2 * index);
    const mean = centredMean(line, 11);
    for (let index = 10; index < 90; index += 1) expect(mean[index]).toBeCloseTo(2 * index, 10);
  });

  it('passes over missing values', () => {
    expect([...centredMean([1, Number.NaN, 3], 3)]).toEqual([1, 2, 3]);
  });

  it('takes more points together in longer lines', () => {
    expect(averageWindow(10)).toBe(5);
    expect(averageWindow(50_000)).toBe(1250);
  });
});

describe('places in rising numbers', () => {
  it('finds the first that is not below, and the nearest', () => {
    expect(lowerBound([1, 3, 5], 3)).toBe(1);
    expect(lowerBound([1, 3, 5], 6)).toBe(3);
    expect(nearest([], 1)).toBe(-1);
    expect(nearest([0, 10, 20], 14)).toBe(1);
    expect(nearest([0, 10, 20], 16)).toBe(2);
  });
});
