/** Changing the list of checks of a reward that is being written: plain JSON in, plain JSON out. */
import { z } from 'zod';
import { instructionSchema } from '../../src-main/contract/instruction-checks.ts';
import { rewardComponentSchema } from '../../src-main/contract/reward.ts';
import { fieldSchemaAt } from '../../src-main/contract/schema-fields.ts';
import type { JsonObject, JsonValue } from './json-path.ts';
import { rewardTexts, type RewardText } from './reward-texts.ts';

/** Settings that every check has; the others are its own. */
export const commonSettings = ['weight', 'name', 'range', 'gate', 'normalise'] as const;

/** A kind with its words. */
export interface OfferedKind extends RewardText {
  readonly kind: string;
}

/** Every kind, in the order in which it is offered. */
export const offeredKinds: readonly OfferedKind[] = Object.entries(rewardTexts).map(([kind, text]) => ({
  kind,
  ...text,
}));

const shapes: ReadonlyMap<string, readonly string[]> = new Map(
  rewardComponentSchema.options.map((option) => [
    String([...option.shape.kind.values][0]),
    Object.keys(option.shape),
  ]),
);

/** A field of an object; undefined where there is none or the value is no object. */
export function fieldOf(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? value[key]
    : undefined;
}

/** The kind of a check as it is written; empty where it has none. */
export function kindOf(component: JsonValue | undefined): string {
  const kind = fieldOf(component, 'kind');
  return typeof kind === 'string' ? kind : '';
}

/** Names of the settings that only this kind has, in the order of the contract. */
export function ownSettings(kind: string): string[] {
  const common: readonly string[] = ['kind', ...commonSettings];
  return (shapes.get(kind) ?? []).filter((key) => !common.includes(key));
}

/** Another kind in place of a check: what every check has stays, and so do its own settings of the same name that fit. */
export function ofKind(component: JsonValue | undefined, kind: string): JsonObject {
  const kept: JsonObject = { kind };
  for (const key of [...commonSettings, ...ownSettings(kind)]) {
    const value = fieldOf(component, key);
    const schema = fieldSchemaAt(rewardComponentSchema, [key], kept);
    if (value !== undefined && schema instanceof z.ZodType && schema.safeParse(value).success)
      kept[key] = value;
  }
  return kept;
}

/** The list with the member at one place moved to another. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = list.filter((_, place) => place !== from);
  const member = list[from];
  return member === undefined ? [...list] : [...rest.slice(0, to), member, ...rest.slice(to)];
}

/** Instructions that can be chosen, with their titles. */
export const offeredInstructions: readonly {
  readonly id: string;
  readonly title: string;
  readonly settings: readonly string[];
}[] = instructionSchema.options.map((option) => {
  const { id, arguments: given } = option.shape;
  const label = id.meta()?.['label'];
  const inner = 'unwrap' in given ? given.unwrap() : given;
  return {
    id: String([...id.values][0]),
    title: typeof label === 'string' ? label : String([...id.values][0]),
    settings: Object.keys(inner.shape),
  };
});

const numberText = (value: JsonValue | undefined, fallback: number): string =>
  String(typeof value === 'number' ? value : fallback);

/** How the checks make one number, as a formula that a person can read. */
export function formulaOf(reward: JsonValue | undefined): string {
  const list = fieldOf(reward, 'components');
  const components = Array.isArray(list) ? list : [];
  const product = fieldOf(reward, 'combine') === 'product';
  const named = components.map((component) => {
    const name = fieldOf(component, 'name');
    const base = typeof name === 'string' && name !== '' ? name : kindOf(component);
    return fieldOf(component, 'normalise') === true ? `evened ${base}` : base;
  });
  const parts = components.flatMap((component, place) => {
    const weight = numberText(fieldOf(component, 'weight'), 1);
    if (weight === '0') return [];
    const name = named[place] ?? '';
    return [product ? (weight === '1' ? name : `${name}^${weight}`) : `${weight} × ${name}`];
  });
  const content = parts.length === 0 ? '0' : parts.join(product ? ' × ' : ' + ').replaceAll('+ -', '− ');
  const gates = components.flatMap((component, place) => {
    const gate = fieldOf(component, 'gate');
    return typeof gate === 'number' ? [`${named[place] ?? ''} reaches ${gate}`] : [];
  });
  const clip = fieldOf(reward, 'clip');
  const rules = [
    ...(gates.length === 0 ? [] : [`0 unless ${gates.join(' and ')}`]),
    ...(Array.isArray(clip) ? [`kept within ${clip.map((end) => JSON.stringify(end)).join(' and ')}`] : []),
  ];
  return `Reward = ${[content, ...rules].join('; ')}`;
}
