/** The list of checks behind the form of a reward, and the facts of its fields. */
import { describe, expect, it } from 'vitest';
import { experimentSchema } from '../../../src-main/contract/experiment.ts';
import { rewardComponentSchema } from '../../../src-main/contract/reward.ts';
import { defaultOf, fieldSchemaAt } from '../../../src-main/contract/schema-fields.ts';
import { fieldFacts } from '../../../src-renderer/lib/field-facts.ts';
import {
  commonSettings,
  formulaOf,
  moved,
  offeredInstructions,
  offeredKinds,
  ofKind,
  ownSettings,
} from '../../../src-renderer/lib/reward-draft.ts';

const draftOf = (component: Record<string, never> | object) => ({
  version: 1,
  reward: { components: [JSON.parse(JSON.stringify(component)) as never] },
});

describe('fields of a reward', () => {
  it.each(offeredKinds.map(({ kind }) => kind))(
    '%s: every setting is a field with words of the contract',
    (kind) => {
      for (const key of [...commonSettings, ...ownSettings(kind)]) {
        if (key === 'instructions') continue;
        const facts = fieldFacts(`reward.components.0.${key}`, draftOf({ kind }));
        expect(facts.help?.label, key).toBeTruthy();
        expect(facts.help?.help, key).toBeTruthy();
      }
    },
  );

  it('knows what sort of value each field has', () => {
    const sort = (kind: string, key: string) =>
      fieldFacts(`reward.components.0.${key}`, draftOf({ kind })).kind;
    expect(sort('length', 'range')).toBe('pair');
    expect(sort('length', 'normalise')).toBe('yes or no');
    expect(sort('length', 'unit')).toBe('choice');
    expect(sort('length', 'max')).toBe('number');
    expect(sort('tags', 'tags')).toBe('texts');
    expect(sort('json-schema', 'schema')).toBe('object');
    expect(sort('function', 'code')).toBe('long text');
    expect(fieldFacts('reward.components.0.topic', draftOf({ kind: 'balance' })).nullable).toBe(true);
    expect(fieldFacts('reward.clip', { reward: { components: [] } }).kind).toBe('pair');
  });

  it.each(offeredInstructions)('$id: every argument is a field', ({ id, title, settings }) => {
    expect(title).not.toBe(id);
    for (const key of settings) {
      const path = `reward.components.0.instructions.0.arguments.${key}`;
      const document = draftOf({ kind: 'instructions', instructions: [{ id, arguments: {} }] });
      expect(fieldFacts(path, document).help?.label, key).toBeTruthy();
    }
  });

  it('gives the defaults of the contract, also where other settings must be given', () => {
    const at = (kind: string, key: string) =>
      defaultOf(fieldSchemaAt(experimentSchema, ['reward', 'components', 0, key], draftOf({ kind })));
    expect(at('balance', 'margin')).toBe('check.margin');
    expect(at('regex', 'need')).toBe('found');
    expect(at('tags', 'tags')).toEqual(['think', 'answer']);
    expect(at('exact', 'gate')).toBeUndefined();
  });
});

describe('changing the list', () => {
  it('keeps what another kind has too, and drops what it does not take', () => {
    const length = { kind: 'length', weight: 0.5, unit: 'tokens', need: 'x', max: 3 };
    expect(ofKind(length, 'tags')).toEqual({ kind: 'tags', weight: 0.5 });
    expect(ofKind({ kind: 'json', fenced: false, name: 'n' }, 'json-schema')).toEqual({
      kind: 'json-schema',
      fenced: false,
      name: 'n',
    });
    for (const { kind } of offeredKinds) expect(ofKind({ kind: 'exact' }, kind)).toMatchObject({ kind });
  });

  it('moves members', () => {
    expect(moved(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b']);
    expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c']);
    expect(moved(['a'], 3, 0)).toEqual(['a']);
  });

  it('offers every kind that the contract has', () => {
    const kinds = rewardComponentSchema.options.map((option) => [...option.shape.kind.values][0]);
    expect(offeredKinds.map(({ kind }) => kind).sort()).toEqual([...kinds].sort());
  });
});

describe('formulaOf', () => {
  it.each([
    [{ components: [{ kind: 'exact' }] }, 'Reward = 1 × exact'],
    [
      {
        components: [
          { kind: 'exact', weight: 2 },
          { kind: 'overlong', weight: -0.5 },
        ],
      },
      'Reward = 2 × exact − 0.5 × overlong',
    ],
    [
      { combine: 'product', components: [{ kind: 'exact' }, { kind: 'json', name: 'form', weight: 0.5 }] },
      'Reward = exact × form^0.5',
    ],
    [
      {
        clip: [0, 1],
        components: [
          { kind: 'tags', weight: 0, gate: 1 },
          { kind: 'number', normalise: true },
        ],
      },
      'Reward = 1 × evened number; 0 unless tags reaches 1; kept within 0 and 1',
    ],
    [{ components: [] }, 'Reward = 0'],
  ])('%j', (reward, text) => {
    expect(formulaOf(JSON.parse(JSON.stringify(reward)) as never)).toBe(text);
  });
});
