import { describe, expect, it } from 'vitest';
import { appendSeries } from '../../../src-renderer/lib/series.ts';

describe('appendSeries', () => {
  const start = appendSeries(new Map(), [{ name: 'loss', steps: [1, 2, 3], values: [3, 2, 1] }]);

  it('adds later points and new names, in a new map', () => {
    const next = appendSeries(start, [
      { name: 'loss', steps: [4], values: [0.5] },
      { name: 'reward', steps: [4], values: [1] },
    ]);
    expect(next).not.toBe(start);
    expect(next.get('loss')).toEqual({ name: 'loss', steps: [1, 2, 3, 4], values: [3, 2, 1, 0.5] });
    expect(next.get('reward')?.values).toEqual([1]);
    expect(next.get('loss')).not.toBe(start.get('loss'));
  });

  it('does steps again that a resumed run does again', () => {
    const base = appendSeries(new Map(), [{ name: 'loss', steps: [1, 2, 3, 4], values: [4, 3, 2, 1] }]);
    const next = appendSeries(base, [{ name: 'loss', steps: [3, 4, 5], values: [9, 8, 7] }]);
    expect(next.get('loss')).toEqual({ name: 'loss', steps: [1, 2, 3, 4, 5], values: [4, 3, 9, 8, 7] });
  });

  it('ignores an empty part', () => {
    const base = appendSeries(new Map(), [{ name: 'loss', steps: [1], values: [4] }]);
    expect(appendSeries(base, [{ name: 'loss', steps: [], values: [] }]).get('loss')?.steps).toEqual([1]);
  });
});
