/** Which prompts are read together. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareReading } from '../../../src-main/rollout/share-reading.ts';

const byKey = (lists: readonly (readonly number[])[]): Map<string, Int32Array> =>
  new Map(lists.map((ids) => [ids.join(), Int32Array.from(ids)]));

describe('shareReading', () => {
  it('reads beginnings of an answer with the answer', () => {
    const prompts = byKey([[5], [5, 1], [5, 2], [5, 2, 3, 4], [7, 1], [5, 2, 3]]);
    const readings = shareReading(prompts, 100);
    const whole = readings.get('5,2,3,4')!;
    expect([...whole.prompt]).toEqual([5, 2, 3, 4]);
    expect([...whole.lengths].sort()).toEqual([2, 3, 4]);
    for (const key of ['5,2', '5,2,3']) expect(readings.get(key)).toBe(whole);
    // The shared question goes with one of its answers.
    expect(readings.get('5')).toBe(readings.get('5,1'));
    expect(new Set(readings.values()).size).toBe(3);
  });

  it('gives every prompt a reading that begins with it, bounded, and as few as can be', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 6 }), {
          minLength: 1,
          maxLength: 40,
          selector: (ids) => ids.join(),
        }),
        fc.integer({ min: 1, max: 5 }),
        (lists, most) => {
          const prompts = byKey(lists);
          for (const bound of [most, 1000]) {
            const readings = shareReading(prompts, bound);
            for (const [key, prompt] of prompts) {
              const reading = readings.get(key)!;
              expect([...reading.prompt.subarray(0, prompt.length)]).toEqual([...prompt]);
              expect(reading.lengths).toContain(prompt.length);
              expect(reading.lengths.length).toBeLessThanOrEqual(bound);
              expect(reading.lengths).toContain(reading.prompt.length);
            }
            const longest = lists.filter(
              (ids) =>
                !lists.some(
                  (other) => other.length > ids.length && ids.every((id, place) => other[place] === id),
                ),
            );
            if (bound === 1000) expect(new Set(readings.values()).size).toBe(longest.length);
          }
        },
      ),
    );
  });
});
