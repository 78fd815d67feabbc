/** What the contract says of one field of an experiment: kind of value, range, choices and help. */
import { z } from 'zod';
import { experimentSchema, fieldHelp, type FieldHelp } from '../../src-main/contract/experiment.ts';
import { fieldSchemaAt, schemaAt, unwrapSchema } from '../../src-main/contract/schema-fields.ts';
import { formatNumber } from './format.ts';
import type { JsonObject } from './json-path.ts';

export interface FieldFacts {
  /** `texts`: a list of texts; `pair`: a lowest and a highest number; `object`: any JSON object. */
  readonly kind: 'number' | 'choice' | 'text' | 'long text' | 'yes or no' | 'texts' | 'pair' | 'object';
  readonly help: FieldHelp | undefined;
  readonly choices: readonly string[];
  /** The valid range in words; empty where there is none. */
  readonly range: string;
  readonly whole: boolean;
  /** Null switches it off. */
  readonly nullable: boolean;
}

/** Largest whole number that the contract names as a limit; zod gives it to every whole number. */
const noLimit = Number.MAX_SAFE_INTEGER;

/** Facts of the field at a path of `document`. */
export function fieldFacts(path: string, document: JsonObject): FieldFacts {
  const keys = path.split('.');
  const schema = schemaAt(experimentSchema, keys, document);
  const help = fieldHelp(path) ?? ownHelp(fieldSchemaAt(experimentSchema, keys, document));
  const base = { help, choices: [], range: '', whole: false, nullable: isNullable(keys, document) };
  if (schema instanceof z.ZodEnum) return { ...base, kind: 'choice', choices: schema.options.map(String) };
  if (schema instanceof z.ZodNumber) {
    const whole = schema.isInt;
    return { ...base, kind: 'number', whole, range: rangeText(schema, whole) };
  }
  if (schema instanceof z.ZodBoolean) return { ...base, kind: 'yes or no' };
  if (schema instanceof z.ZodTuple) return { ...base, kind: 'pair' };
  if (schema instanceof z.ZodRecord) return { ...base, kind: 'object' };
  if (schema instanceof z.ZodArray && unwrapSchema(schema.element) instanceof z.ZodString)
    return { ...base, kind: 'texts' };
  return { ...base, kind: longTexts.has(keys.at(-1) ?? '') ? 'long text' : 'text' };
}

/** Fields whose text has lines. */
const longTexts: ReadonlySet<string> = new Set(['rubric', 'code', 'before']);

/** The help that a schema carries itself, as the parts of a reward do. */
function ownHelp(schema: z.core.$ZodType | undefined): FieldHelp | undefined {
  if (!(schema instanceof z.ZodType)) return undefined;
  const { label, help, term, unit, raising } = schema.meta() ?? {};
  if (typeof label !== 'string' || typeof help !== 'string') return undefined;
  return {
    label,
    help,
    ...(typeof term === 'string' ? { term } : {}),
    ...(typeof unit === 'string' ? { unit } : {}),
    ...(typeof raising === 'string' ? { raising } : {}),
  };
}

function isNullable(keys: readonly string[], document: JsonObject): boolean {
  const parent = schemaAt(experimentSchema, keys.slice(0, -1), document);
  if (!(parent instanceof z.ZodObject)) return false;
  const child: unknown = Object.getOwnPropertyDescriptor(parent.shape, keys.at(-1) ?? '')?.value;
  return child instanceof z.ZodType && child.safeParse(null).success;
}

function rangeText(schema: z.ZodNumber, whole: boolean): string {
  const { minValue: low, maxValue: high } = schema;
  const from = low === null || !Number.isFinite(low) || low <= -noLimit ? null : low;
  const to = high === null || !Number.isFinite(high) || high >= noLimit ? null : high;
  const kind = whole ? 'whole number' : '';
  if (from === null)
    return to === null ? kind : [kind, `up to ${formatNumber(to)}`].filter(Boolean).join(' ');
  const start = schema.safeParse(from).success ? formatNumber(from) : `above ${formatNumber(from)}`;
  if (to !== null) return `${start} to ${formatNumber(to)}`;
  return [kind, start.startsWith('above') ? start : `from ${start}`].filter(Boolean).join(' ');
}
