import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editDistance, nearestName } from '../../../src-main/contract/nearest-name.ts';

describe('editDistance', () => {
  test.each([
    ['', '', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['trian', 'train', 1],
  ])('%s to %s is %i', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
  });

  test('is symmetric, zero only for equal texts, at most the longer length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (left, right) => {
        const distance = editDistance(left, right);
        expect(distance).toBe(editDistance(right, left));
        expect(distance === 0).toBe(left === right);
        expect(distance).toBeLessThanOrEqual(Math.max(left.length, right.length));
      }),
    );
  });
});

describe('nearestName', () => {
  const known = ['learningRate', 'groupSize', 'steps', 'evaluation'];
  test.each([
    ['learning_rate', 'learningRate'],
    ['groupsize', 'groupSize'],
    ['step', 'steps'],
    ['eval', 'evaluation'],
    ['stesp', 'steps'],
    ['zzzzzz', undefined],
    ['', undefined],
  ])('%s means %s', (wrong, right) => {
    expect(nearestName(wrong, known)).toBe(right);
  });
});
