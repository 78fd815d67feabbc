import { describe, expect, it } from 'vitest';
import { anchorSegments } from '../../../src-renderer/lib/anchor-segments.ts';

const sample = { ids: [1, 2, 3, 4], text: 'ab cd', tokenEnds: [1, 3, 5, 5], reward: 1 };
const look = (position: number, value: number | null) => ({ position, value, continuations: [] });

describe('anchorSegments', () => {
  it('cuts the answer at the places, the last part ends with the reward', () => {
    const parts = anchorSegments(sample, [look(0, 0.25), look(2, 0.75)]);
    expect(parts.map(({ text, change }) => [text, change])).toEqual([
      ['ab ', 0.5],
      ['cd', 0.25],
    ]);
  });

  it('knows no change beside a place without a value', () => {
    const parts = anchorSegments(sample, [look(0, 0.5), look(1, null), look(3, 1)]);
    expect(parts.map(({ change }) => change)).toEqual([null, null, 0]);
    expect(parts.map(({ text }) => text)).toEqual(['a', 'b cd', '']);
    expect(anchorSegments({ ...sample, reward: null }, [look(0, 1)])[0]?.change).toBeNull();
  });
});
