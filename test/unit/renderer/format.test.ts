import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCompact,
  formatDuration,
  formatNumber,
  formatRelative,
  formatShare,
} from '../../../src-renderer/lib/format.ts';

describe('formatNumber', () => {
  it.each([
    [0, '0'],
    [1, '1'],
    [-1.5, '−1.5'],
    [0.93359, '0.9336'],
    [1234.567, '1,235'],
    [50_000, '50,000'],
    [123_456_789, '123,456,789'],
    [2.5e-7, '2.5e−7'],
    [3.21e12, '3.21e12'],
    [Number.NaN, 'not a number'],
    [-Infinity, '−∞'],
    [null, '–'],
  ])('%s is written %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('keeps the value within half a unit of the fourth digit', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }), (value) => {
        const back = Number(formatNumber(value).replaceAll(',', '').replaceAll('−', '-'));
        expect(Math.abs(back - value)).toBeLessThanOrEqual(Math.abs(value) * 5.01e-4);
      }),
    );
  });
});

describe('other units', () => {
  it.each([
    [formatShare(0.4512), '45.1 %'],
    [formatShare(1), '100 %'],
    [formatBytes(430_000_000), '430 MB'],
    [formatBytes(12), '12 B'],
    [formatCompact(3_211_264), '3.21 M'],
    [formatCompact(999), '999'],
    [formatDuration(0.41), '0.41 s'],
    [formatDuration(172.4), '2 min 52 s'],
    [formatDuration(3600), '1 h'],
    [formatDuration(90_000), '1 d 1 h'],
    [formatRelative(0, 4 * 60_000), '4 min ago'],
    [formatRelative(1000, 0), 'just now'],
  ])('%s is %s', (written, expected) => {
    expect(written).toBe(expected);
  });
});
