import { describe, expect, it } from 'vitest';
import { fillTemplate } from '../../../src-renderer/lib/fill-template.ts';
import { valueAt, withValueAt } from '../../../src-renderer/lib/json-path.ts';

describe('paths in JSON', () => {
  const document = { name: 'x', reward: { components: [{ kind: 'exact' }, { kind: 'number', weight: 2 }] } };

  it('reads through objects and lists', () => {
    expect(valueAt(document, 'reward.components.1.weight')).toBe(2);
    expect(valueAt(document, 'reward.components.7.weight')).toBeUndefined();
    expect(valueAt(document, 'name.length')).toBeUndefined();
    expect(valueAt(document, 'toString')).toBeUndefined();
  });

  it('changes a copy and makes what is missing on the way', () => {
    const changed = withValueAt(document, 'budget.steps', 5);
    expect(changed).toEqual({ ...document, budget: { steps: 5 } });
    expect(document).not.toHaveProperty('budget');
    const weight = withValueAt(document, 'reward.components.0.weight', 3);
    expect(valueAt(weight, 'reward.components.0')).toEqual({ kind: 'exact', weight: 3 });
    expect(valueAt(weight, 'reward.components.1')).toEqual({ kind: 'number', weight: 2 });
  });

  it('takes a value out', () => {
    expect(withValueAt({ a: { b: 1, c: 2 } }, 'a.b', undefined)).toEqual({ a: { c: 2 } });
    expect(withValueAt(document, 'reward.components.0', undefined)['reward']).toEqual({
      components: [{ kind: 'number', weight: 2 }],
    });
  });
});

describe('fillTemplate', () => {
  it('puts columns in place and names those that are missing', () => {
    const row = { question: '1+1=', check: { target: 2 }, 'a.b': 'dotted' };
    expect(fillTemplate('{question} {check.target} {a.b}', row)).toEqual({
      text: '1+1= 2 dotted',
      missing: [],
    });
    expect(fillTemplate('{question}{nothing}', row)).toEqual({ text: '1+1={nothing}', missing: ['nothing'] });
  });

  it('shows markup and braces of the data as they are', () => {
    expect(fillTemplate('{q}', { q: '<b>{x}</b>' }).text).toBe('<b>{x}</b>');
  });
});
