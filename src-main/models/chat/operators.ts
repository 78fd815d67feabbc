/** Arithmetic and indexing of template values, with Python's rules: exact whole numbers, floor division, no mixing of text and numbers. */
import { methodOf } from './methods.ts';
import { percentFormat } from './python-format.ts';
import { toText } from './print.ts';
import {
  Attributes,
  Float,
  Markup,
  Tuple,
  Undefined,
  Walk,
  checkDefined,
  checkLength,
  compare,
  contains,
  equal,
  failure,
  isDictionary,
  isList,
  numeric,
  orUndefined,
  sequence,
  toCount,
  typeName,
  unsupportedFeature,
} from './values.ts';
import type { Value } from './values.ts';

/** Largest exponent and number of digits of a power; templates have no use for more. */
const POWER_LIMIT = 4096n;

function wholeNumbers(operator: string, a: bigint, b: bigint): Value {
  const floorDivide = (): bigint => (a % b !== 0n && a < 0n !== b < 0n ? a / b - 1n : a / b);
  if ((operator === '/' || operator === '//' || operator === '%') && b === 0n)
    throw failure('division by zero');
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      if (a.toString().length + b.toString().length > 10_000)
        throw failure('the template computes with enormous numbers');
      return a * b;
    case '/':
      return new Float(Number(a) / Number(b));
    case '//':
      return floorDivide();
    case '%':
      return a - floorDivide() * b;
    default:
      if (b < 0n) return new Float(Number(a) ** Number(b));
      if (b > POWER_LIMIT || a.toString().length > 100)
        throw failure('the template computes with enormous numbers');
      return a ** b;
  }
}

/** Remainder with the sign of the divisor. */
function modulo(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 !== b < 0 ? rest + b : rest;
}

function floats(operator: string, a: number, b: number): Value {
  if ((operator === '/' || operator === '//' || operator === '%') && b === 0)
    throw failure('float division by zero');
  switch (operator) {
    case '+':
      return new Float(a + b);
    case '-':
      return new Float(a - b);
    case '*':
      return new Float(a * b);
    case '/':
      return new Float(a / b);
    case '//': {
      // By way of the remainder, as Python does: 1.0 // 0.1 is 9, although 1.0 / 0.1 is 10.
      const quotient = (a - modulo(a, b)) / b;
      const floor = Math.floor(quotient);
      return new Float(quotient - floor > 0.5 ? floor + 1 : floor);
    }
    case '%':
      return new Float(modulo(a, b));
    default: {
      const power = a ** b;
      if (Number.isNaN(power)) throw unsupportedFeature('A power that is not a real number');
      return new Float(power);
    }
  }
}

/** A text, list or tuple repeated; null where the operands are something else. */
function repeated(a: Value, b: Value): Value | null {
  const [value, times] = typeof b === 'bigint' || typeof b === 'boolean' ? [a, b] : [b, a];
  const number = numeric(times);
  if (typeof number !== 'bigint') return null;
  const count = Number(number < 0n ? 0n : number);
  if (typeof value === 'string') {
    checkLength(value.length * count);
    return value.repeat(count);
  }
  const list = sequence(value);
  if (list === null) return null;
  checkLength(list.items.length * count);
  return list.make(Array.from({ length: count }, () => list.items).flat());
}

/** The value of `a operator b` for + − * / // % ** ~. Throws where Python does. */
export function arithmetic(operator: string, a: Value, b: Value): Value {
  if (operator === '~') {
    const text = toText(a) + toText(b);
    checkLength(text.length);
    return text;
  }
  if (a instanceof Markup || b instanceof Markup)
    throw unsupportedFeature(`"${operator}" with text marked as safe`);
  const [x, y] = [numeric(a), numeric(b)];
  if (typeof x === 'bigint' && typeof y === 'bigint') return wholeNumbers(operator, x, y);
  if (x !== null && y !== null) return floats(operator, Number(x), Number(y));
  checkDefined(a);
  if (operator === '%' && typeof a === 'string') return percentFormat(a, b instanceof Tuple ? b.items : [b]);
  checkDefined(b);
  if (operator === '+') {
    if (typeof a === 'string' && typeof b === 'string') {
      checkLength(a.length + b.length);
      return a + b;
    }
    const [left, right] = [sequence(a), sequence(b)];
    if (left !== null && right !== null && typeName(a) === typeName(b))
      return left.make([...left.items, ...right.items]);
    if (typeof a === 'string') throw failure(`can only concatenate str (not "${typeName(b)}") to str`);
  }
  if (operator === '*') {
    const product = repeated(a, b);
    if (product !== null) return product;
  }
  throw failure(`unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}'`);
}

/** The value of `a operator b` for == != < <= > >= in and not in. */
export function comparison(operator: string, a: Value, b: Value): boolean {
  switch (operator) {
    case '==':
      return equal(a, b);
    case '!=':
      return !equal(a, b);
    case 'in':
      return contains(b, a);
    case 'not in':
      return !contains(b, a);
    case '<':
      return compare(a, b) < 0;
    case '<=':
      return compare(a, b) <= 0;
    case '>':
      return compare(a, b) > 0;
    case '>=':
      return compare(a, b) >= 0;
    default:
      throw unsupportedFeature(`The operator "${operator}"`);
  }
}

/** A value with its sign changed (`-`) or kept (`+`). */
export function signed(operator: string, value: Value): Value {
  const number = numeric(value);
  if (number === null) {
    checkDefined(value);
    throw failure(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  }
  if (typeof number === 'bigint') return operator === '-' ? -number : number;
  return new Float(operator === '-' ? -number : number);
}

function orMissing(found: Value | undefined, value: Value, key: string): Value {
  return orUndefined(found, `'${typeName(value)} object' has no attribute '${key}'`);
}

/** `value.name`: a method comes before a key. */
export function attributeOf(value: Value, name: string): Value {
  checkDefined(value);
  if (value instanceof Markup || value instanceof Walk) {
    throw unsupportedFeature(`An attribute ("${name}") of ${typeName(value)}`);
  }
  if (value instanceof Attributes) return orMissing(value.values.get(name), value, name);
  return orMissing(methodOf(value, name) ?? (isDictionary(value) ? value.get(name) : undefined), value, name);
}

/** `value[key]`: a key comes before a method. */
export function itemOf(value: Value, key: Value): Value {
  checkDefined(value);
  checkDefined(key);
  if (isDictionary(value) && typeof key === 'string')
    return orMissing(value.has(key) ? value.get(key) : methodOf(value, key), value, key);
  if (typeof key === 'string') return attributeOf(value, key);
  if (value instanceof Markup) throw unsupportedFeature('Indexing text marked as safe');
  const items =
    typeof value === 'string'
      ? Array.from(value)
      : value instanceof Walk && value.kind === 'range'
        ? value.items
        : sequence(value)?.items;
  const position = numeric(key);
  if (items === undefined || typeof position !== 'bigint')
    return new Undefined(`'${typeName(value)} object' has no such element`);
  return orUndefined(items.at(Number(position)), `${typeName(value)} object has no element ${position}`);
}

/** Python's `value[start:stop:step]`, for texts (by code point), lists and tuples. */
export function slice(value: Value, start: Value, stop: Value, step: Value): Value {
  checkDefined(value);
  const list =
    typeof value === 'string'
      ? { items: Array.from(value), make: (items: readonly Value[]) => items.map(toText).join('') }
      : sequence(value);
  if (list === null) {
    if (value instanceof Walk || value instanceof Markup)
      throw unsupportedFeature(`A part of a ${typeName(value)}`);
    throw failure(`'${typeName(value)}' object cannot be cut into parts`);
  }
  const { items } = list;
  const stride = step === null ? 1 : toCount(step, 'the step of a slice');
  if (stride === 0) throw failure('slice step cannot be zero');
  const bound = (position: Value, fallback: number): number => {
    if (position === null) return fallback;
    const at = toCount(position, 'a slice position');
    const [low, high] = stride > 0 ? [0, items.length] : [-1, items.length - 1];
    return Math.min(Math.max(at < 0 ? at + items.length : at, low), high);
  };
  const first = bound(start, stride > 0 ? 0 : items.length - 1);
  const last = bound(stop, stride > 0 ? items.length : -1);
  const taken: Value[] = [];
  for (let at = first; stride > 0 ? at < last : at > last; at += stride) {
    const item = items[at];
    if (item !== undefined) taken.push(item);
  }
  return list.make(taken);
}

/** Python's `len`. */
export function lengthOf(value: Value): bigint {
  if (value instanceof Undefined) return 0n;
  if (typeof value === 'string') return BigInt(Array.from(value).length);
  if (value instanceof Markup) return BigInt(Array.from(value.text).length);
  if (value instanceof Tuple || (value instanceof Walk && value.kind !== 'generator'))
    return BigInt(value.items.length);
  if (isList(value)) return BigInt(value.length);
  if (isDictionary(value)) return BigInt(value.size);
  throw failure(`object of type '${typeName(value)}' has no len()`);
}
