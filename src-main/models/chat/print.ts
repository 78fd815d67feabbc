/** Values as text: Python's `str`, `repr` and `json.dumps`. */
import {
  Callable,
  Float,
  Markup,
  Tuple,
  Undefined,
  Walk,
  checkLength,
  failure,
  isDictionary,
  isList,
  typeName,
  unsupportedFeature,
} from './values.ts';
import type { Value } from './values.ts';

/** Python's `repr` of a float: the shortest digits that give the same number, with an exponent from 1e16 on and below 1e-4. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const sign = value < 0 ? '-' : '';
  const digits = mantissa.replace('-', '').replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

/** Python's `repr` of a text. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\'"]|(?! )[\p{C}\p{Z}]/gu, (character) => {
    if (character === '\\') return '\\\\';
    if (character === "'" || character === '"') return character === quote ? `\\${character}` : character;
    const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return code < 0x100
      ? `\\x${hex.padStart(2, '0')}`
      : code < 0x1_0000
        ? `\\u${hex.padStart(4, '0')}`
        : `\\U${hex.padStart(8, '0')}`;
  });
  return quote + body + quote;
}

/** Python's `repr`: texts within lists are quoted. */
export function repr(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Tuple)
    return `(${value.items.map(repr).join(', ')}${value.items.length === 1 ? ',' : ''})`;
  if (isList(value)) return `[${value.map(repr).join(', ')}]`;
  if (isDictionary(value))
    return `{${[...value].map(([key, item]) => `${quoted(key)}: ${repr(item)}`).join(', ')}}`;
  if (value instanceof Markup) throw unsupportedFeature('Text marked as safe within a list');
  throw unsupportedFeature(
    `Printing a ${value instanceof Walk ? value.kind : value instanceof Callable ? `function (${value.name})` : value.kind}`,
  );
}

/** What printing a value gives. */
export function toText(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  if (value instanceof Undefined) return '';
  const text = repr(value);
  checkLength(text.length);
  return text;
}

/** Options of the filter `tojson`. */
export interface JsonOptions {
  readonly indent: string | null;
  readonly ensureAscii: boolean;
  readonly separators: readonly [string, string] | null;
  readonly sortKeys: boolean;
}

/** Python's `json.dumps`. */
export function toJson(value: Value, options: JsonOptions): string {
  const { indent, separators } = options;
  const [itemSeparator, keySeparator] = separators ?? [indent === null ? ', ' : ',', ': '];
  const text = (string: string): string => {
    const json = JSON.stringify(string);
    return options.ensureAscii
      ? json.replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      : json;
  };
  const wrap = (open: string, items: readonly string[], close: string, depth: number): string => {
    if (items.length === 0) return open + close;
    if (indent === null) return open + items.join(itemSeparator) + close;
    const margin = `\n${indent.repeat(depth)}`;
    return `${open}${margin}${indent}${items.join(`${itemSeparator}${margin}${indent}`)}${margin}${close}`;
  };
  const write = (one: Value, depth: number): string => {
    if (one === null) return 'null';
    if (typeof one === 'boolean' || typeof one === 'bigint') return String(one);
    if (typeof one === 'string') return text(one);
    if (one instanceof Float) {
      if (Number.isFinite(one.value)) return floatText(one.value);
      return Number.isNaN(one.value) ? 'NaN' : one.value < 0 ? '-Infinity' : 'Infinity';
    }
    if (one instanceof Tuple) return write(one.items, depth);
    if (isList(one))
      return wrap(
        '[',
        one.map((item) => write(item, depth + 1)),
        ']',
        depth,
      );
    if (isDictionary(one)) {
      const entries = [...one];
      if (options.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : 1));
      return wrap(
        '{',
        entries.map(([key, item]) => text(key) + keySeparator + write(item, depth + 1)),
        '}',
        depth,
      );
    }
    if (one instanceof Markup) throw unsupportedFeature('Writing text marked as safe as JSON');
    throw failure(`Object of type ${typeName(one)} is not JSON serializable`);
  };
  const json = write(value, 0);
  checkLength(json.length);
  return json;
}
