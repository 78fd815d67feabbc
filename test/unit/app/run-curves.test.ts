import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Sparkline } from '../../../src-main/app/sparkline.ts';
import { TimeLeft } from '../../../src-main/app/time-left.ts';
import { dataDirectory } from '../../../src-main/app/data-directory.ts';

it('keeps a curve in at most 60 points whose mean is that of the values', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 1000 }),
      (values) => {
        const curve = new Sparkline();
        for (const value of values) curve.add(value);
        const points = curve.values();
        expect(points.length).toBeLessThanOrEqual(60);
        expect(points.length).toBeGreaterThanOrEqual(Math.min(values.length, 30));
        for (const point of points) {
          expect(point).toBeGreaterThanOrEqual(Math.min(...values) - 1e-9);
          expect(point).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
        }
      },
    ),
  );
  const line = new Sparkline();
  for (let i = 0; i < 120; i++) line.add(i);
  expect(line.values()[0]).toBe(0.5);
  expect(line.values().at(-1)).toBe(118.5);
});

it('estimates the time left from the pace of the last steps', () => {
  const left = new TimeLeft();
  expect(left.seconds(10, 0)).toBeNull();
  left.mark(1, 1000);
  expect(left.seconds(10, 1000)).toBeNull();
  left.mark(2, 3000);
  left.mark(3, 5000);
  expect(left.seconds(10, 5000)).toBe(14);
  expect(left.seconds(10, 6000)).toBe(13);
  expect(left.seconds(3, 9000)).toBe(0);
});

it('finds the data directory of each system', () => {
  expect(dataDirectory({ ESPALIER_HOME: '/x' }, 'linux', '/home/a')).toBe('/x');
  expect(dataDirectory({}, 'linux', '/home/a')).toBe('/home/a/.local/share/espalier');
  expect(dataDirectory({ XDG_DATA_HOME: '/data' }, 'linux', '/home/a')).toBe('/data/espalier');
  expect(dataDirectory({ XDG_DATA_HOME: 'relative' }, 'linux', '/home/a')).toBe(
    '/home/a/.local/share/espalier',
  );
  expect(dataDirectory({}, 'darwin', '/Users/a')).toBe('/Users/a/Library/Application Support/Espalier');
});
