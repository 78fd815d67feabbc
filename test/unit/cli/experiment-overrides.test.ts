import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applySettings } from '../../../src-main/app/cli/experiment-overrides.ts';

const file = JSON.stringify({
  version: 1,
  name: 'a',
  budget: { steps: 3, seeds: [1, 2] },
  reward: { components: [{ kind: 'exact' }] },
});
const set = (...settings: string[]): unknown => JSON.parse(applySettings(file, settings));

describe('settings', () => {
  test('are JSON where they are, else text', () => {
    expect(
      set('budget.steps=50', 'name=My run', 'method.clipNorm=null', 'model.path=builtin:starter'),
    ).toMatchObject({
      name: 'My run',
      budget: { steps: 50, seeds: [1, 2] },
      method: { clipNorm: null },
      model: { path: 'builtin:starter' },
    });
  });

  test('reach into lists and replace them', () => {
    expect(set('reward.components.0.weight=2')).toMatchObject({
      reward: { components: [{ kind: 'exact', weight: 2 }] },
    });
    expect(set('budget.seeds=[7]')).toMatchObject({ budget: { seeds: [7] } });
    expect(set('budget.seeds.2=3')).toMatchObject({ budget: { seeds: [1, 2, 3] } });
  });

  test('a value may hold an equals sign', () => {
    expect(set('name=a=b')).toMatchObject({ name: 'a=b' });
  });

  test.each([
    'budget.steps',
    '=3',
    'a..b=1',
    '__proto__.x=1',
    'budget.steps.x=1',
    'budget.seeds.9=1',
    'budget.seeds.x=1',
  ])('%s is refused', (setting) => {
    expect(() => set(setting)).toThrow(expect.objectContaining({ kind: 'user', code: 'usage' }));
  });

  test('a file that is no JSON object is left to the parser', () => {
    expect(applySettings('{ nonsense', ['a=1'])).toBe('{ nonsense');
    expect(applySettings('[1]', ['a=1'])).toBe('[1]');
    expect(applySettings(file, [])).toBe(file);
  });

  test('any JSON value comes back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(set(`budget.x=${text}`)).toMatchObject({ budget: { x: JSON.parse(text) as unknown } });
      }),
    );
  });
});
