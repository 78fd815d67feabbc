/** The tests of jinja2: `x is defined`, `select('odd')` and the like. */
import { comparison } from './operators.ts';
import {
  Callable,
  Float,
  Tuple,
  Undefined,
  Walk,
  checkDefined,
  failure,
  isDictionary,
  isList,
  numeric,
  toCount,
  typeName,
} from './values.ts';
import type { Value } from './values.ts';

type Test = (value: Value, args: readonly Value[]) => boolean;

const compareWith =
  (operator: string): Test =>
  (value, args) =>
    comparison(operator, value, args[0] ?? null);
/** Remainder for a whole number; booleans count, as in Python. */
const remainder = (value: Value, divisor: Value): bigint => {
  checkDefined(value);
  const number = numeric(value);
  if (typeof number !== 'bigint') throw failure(`a whole number is needed here, not ${typeName(value)}`);
  const by = BigInt(toCount(divisor, 'the divisor'));
  if (by === 0n) throw failure('integer modulo by zero');
  return number % by;
};
const cased = (value: Value, change: (text: string) => string): boolean => {
  if (typeof value !== 'string') {
    if (value instanceof Undefined) return false;
    throw failure(`a text is needed here, not ${typeName(value)}`);
  }
  return value === change(value) && value.toLowerCase() !== value.toUpperCase();
};
const isText = (value: Value): boolean => typeName(value) === 'str' || typeName(value) === 'Markup';
const isIterable = (value: Value): boolean =>
  isText(value) ||
  isList(value) ||
  isDictionary(value) ||
  value instanceof Tuple ||
  value instanceof Walk ||
  value instanceof Undefined;

export const tests: Readonly<Record<string, Test>> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  true: (value) => value === true,
  false: (value) => value === false,
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => typeof value === 'bigint',
  float: (value) => value instanceof Float,
  number: (value) => numeric(value) !== null,
  string: isText,
  mapping: isDictionary,
  iterable: isIterable,
  sequence: (value) => isIterable(value) && !(value instanceof Walk && value.kind !== 'range'),
  callable: (value) => value instanceof Callable || value instanceof Undefined,
  odd: (value) => remainder(value, 2n) !== 0n,
  even: (value) => remainder(value, 2n) === 0n,
  divisibleby: (value, args) => remainder(value, args[0] ?? null) === 0n,
  lower: (value) => cased(value, (text) => text.toLowerCase()),
  upper: (value) => cased(value, (text) => text.toUpperCase()),
  in: compareWith('in'),
  eq: compareWith('=='),
  equalto: compareWith('=='),
  '==': compareWith('=='),
  ne: compareWith('!='),
  '!=': compareWith('!='),
  lt: compareWith('<'),
  lessthan: compareWith('<'),
  '<': compareWith('<'),
  le: compareWith('<='),
  '<=': compareWith('<='),
  gt: compareWith('>'),
  greaterthan: compareWith('>'),
  '>': compareWith('>'),
  ge: compareWith('>='),
  '>=': compareWith('>='),
};
