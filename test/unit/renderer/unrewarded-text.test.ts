import { expect, it } from 'vitest';
import { unrewardedText } from '../../../src-renderer/lib/unrewarded-text.ts';

const part = (value: number | null) => ({ name: 'exact', value, reason: '' });

it('tells an answer that was left out from one that could not be graded', () => {
  expect(unrewardedText({ finish: 'length', components: [part(0), part(1)] })).toBe('left out');
  expect(unrewardedText({ finish: 'length', components: [part(0), part(null)] })).toBe('not graded');
  expect(unrewardedText({ finish: 'stop', components: [part(null)] })).toBe('not graded');
});
