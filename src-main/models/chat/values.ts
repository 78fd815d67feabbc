/**
 * The values that a chat template computes with, as Python has them: whole numbers apart from floats, tuples apart from
 * lists, dictionaries in their order, and "undefined" as jinja2 defines it.
 */

/** Why a template could not be rendered. `raised`: by the template's own `raise_exception`. */
export type FailureKind = 'raised' | 'unsupported' | 'failed';

/** Thrown while a template is read or rendered; turned into a user error outside. */
export class TemplateFailure extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.name = 'TemplateFailure';
    this.kind = kind;
  }
}

/** For what jinja2 can do and this renderer cannot: refused by name rather than rendered otherwise. */
export function unsupportedFeature(what: string): TemplateFailure {
  return new TemplateFailure('unsupported', `${what} is not supported in chat templates`);
}

/** For what fails in jinja2 too. */
export function failure(message: string): TemplateFailure {
  return new TemplateFailure('failed', message);
}

/** A float; whole numbers are `bigint`. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A name or key that does not exist. Prints as nothing; using it further is an error that says `what`. */
export class Undefined {
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

/** The value, or where there is none (null is one) an undefined value that says `what`. */
export function orUndefined(value: Value | undefined, what: string): Value {
  return value === undefined ? new Undefined(what) : value;
}

/** A tuple; lists are arrays. */
export class Tuple {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/**
 * What filters and dictionary methods return instead of a list. `kind` generator: can be walked once only; view: again
 * and again; range: may also be indexed.
 */
export class Walk {
  readonly kind: 'generator' | 'view' | 'range';
  readonly items: readonly Value[];
  #walked = false;

  constructor(kind: Walk['kind'], items: readonly Value[]) {
    this.kind = kind;
    this.items = items;
  }

  take(): readonly Value[] {
    if (this.kind === 'generator' && this.#walked) return [];
    this.#walked = true;
    return this.items;
  }
}

/** Text that is marked as safe HTML. Prints as it is; anything else would escape its partners, and is refused. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Something with attributes that is no dictionary: `namespace()` and `loop`. */
export class Attributes {
  readonly kind: 'namespace' | 'loop';
  readonly values: Map<string, Value>;

  constructor(kind: Attributes['kind'], values: Map<string, Value>) {
    this.kind = kind;
    this.values = values;
  }
}

/** Arguments of a call. */
export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** A function, method or macro. */
export class Callable {
  readonly name: string;
  readonly call: (args: Arguments) => Value;

  constructor(name: string, call: (args: Arguments) => Value) {
    this.name = name;
    this.call = call;
  }
}

export type Dictionary = ReadonlyMap<string, Value>;
export type Value =
  | null
  | boolean
  | bigint
  | string
  | Float
  | Undefined
  | Tuple
  | Walk
  | Markup
  | Attributes
  | Callable
  | readonly Value[]
  | Dictionary;

/** Longest text that a template may make. */
const TEXT_LIMIT = 32 * 1024 * 1024;

/** Refuses a text that would fill the memory. */
export function checkLength(length: number): void {
  if (length > TEXT_LIMIT) throw failure(`the template makes a text of more than ${TEXT_LIMIT} characters`);
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isDictionary(value: Value): value is Dictionary {
  return value instanceof Map;
}

/** Python's name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'string') return 'str';
  if (value instanceof Float) return 'float';
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof Walk) return value.kind;
  if (value instanceof Markup) return 'Markup';
  if (value instanceof Attributes) return value.kind;
  if (value instanceof Callable) return 'function';
  return isList(value) ? 'list' : 'dict';
}

/** Throws what jinja2 throws when an undefined value is used. */
export function checkDefined(value: Value): void {
  if (value instanceof Undefined) throw failure(value.what);
}

export function truthy(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'string') return value !== '';
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Walk) return value.kind === 'generator' || value.items.length > 0;
  if (value instanceof Markup) return value.text !== '';
  if (isList(value)) return value.length > 0;
  return isDictionary(value) ? value.size > 0 : true;
}

/** The number in a value: whole numbers and booleans as bigint, floats as number; null for anything else. */
export function numeric(value: Value): bigint | number | null {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return value instanceof Float ? value.value : null;
}

/** A whole number for counts and positions; throws for any other value. */
export function toCount(value: Value, what: string): number {
  const number = numeric(value);
  if (typeof number !== 'bigint') throw failure(`${what} must be a whole number, not ${typeName(value)}`);
  return Number(number);
}

/** The elements that a loop over the value sees. */
export function walk(value: Value): readonly Value[] {
  if (value instanceof Undefined) return [];
  if (typeof value === 'string') return Array.from(value);
  if (value instanceof Tuple) return value.items;
  if (value instanceof Walk) return value.take();
  if (isList(value)) return value;
  if (isDictionary(value)) return [...value.keys()];
  if (value instanceof Markup) throw unsupportedFeature('Walking through text marked as safe');
  throw failure(`'${typeName(value)}' object is not iterable`);
}

/** Elements of a list or tuple with the way back to the same type; null for anything else. */
export function sequence(
  value: Value,
): { items: readonly Value[]; make: (items: readonly Value[]) => Value } | null {
  if (value instanceof Tuple) return { items: value.items, make: (items) => new Tuple(items) };
  return isList(value) ? { items: value, make: (items) => items } : null;
}

/** Order of two numbers, NaN where one is NaN. Between a bigint and a number it is exact, as in Python. */
function compareNumbers(a: bigint | number, b: bigint | number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return NaN;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Python's `==`. */
export function equal(a: Value, b: Value): boolean {
  if (a instanceof Markup || b instanceof Markup) {
    return (a instanceof Markup ? a.text : a) === (b instanceof Markup ? b.text : b);
  }
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== null || y !== null) return x !== null && y !== null && compareNumbers(x, y) === 0;
  if (a instanceof Undefined) return b instanceof Undefined;
  const [left, right] = [sequence(a), sequence(b)];
  if (left !== null && right !== null) {
    return (
      a instanceof Tuple === b instanceof Tuple &&
      left.items.length === right.items.length &&
      left.items.every((item, index) => equal(item, right.items[index] ?? null))
    );
  }
  if (isDictionary(a) && isDictionary(b)) {
    return (
      a.size === b.size && [...a].every(([key, value]) => b.has(key) && equal(value, b.get(key) ?? null))
    );
  }
  return a === b;
}

/** Order of two texts by code points, as in Python; JavaScript compares UTF-16 units. */
function compareTexts(a: string, b: string): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) {
      const astral = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;
      if (astral(x) !== astral(y)) return astral(x) ? 1 : -1;
      return x - y;
    }
  }
  return a.length - b.length;
}

/** Negative, zero or positive for `a` before, level with or behind `b`; throws where Python has no order. */
export function compare(a: Value, b: Value): number {
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== null && y !== null) return compareNumbers(x, y);
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  const [left, right] = [sequence(a), sequence(b)];
  if (left !== null && right !== null && typeName(a) === typeName(b)) {
    for (let index = 0; index < Math.min(left.items.length, right.items.length); index++) {
      const [one, other] = [left.items[index] ?? null, right.items[index] ?? null];
      if (!equal(one, other)) return compare(one, other);
    }
    return left.items.length - right.items.length;
  }
  checkDefined(a);
  checkDefined(b);
  throw failure(`'<' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

/** Python's `item in container`. */
export function contains(container: Value, item: Value): boolean {
  if (typeof container === 'string') {
    if (typeof item === 'string') return container.includes(item);
    checkDefined(item);
    throw failure(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (isDictionary(container)) return typeof item === 'string' && container.has(item);
  return walk(container).some((element) => equal(element, item));
}

/**
 * A plain JavaScript value (as from `JSON.parse`) as a template sees it. A number without a fraction becomes a whole
 * number. Throws for objects in which a key such as "10" has lost its place among the others, and for functions.
 */
export function fromPlain(value: unknown): Value {
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'bigint')
    return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : new Float(value);
  if (value instanceof Float || value instanceof Tuple) return value;
  if (Array.isArray(value)) return value.map(fromPlain);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [String(key), fromPlain(item)]));
  if (typeof value === 'object') {
    const entries = Object.entries(value);
    const number = entries.find(([key]) => /^(0|[1-9]\d*)$/.test(key));
    if (number !== undefined && entries.length > 1) {
      throw unsupportedFeature(`The key ${JSON.stringify(number[0])} beside others (their order is lost)`);
    }
    return new Map(
      entries.filter(([, item]) => item !== undefined).map(([key, item]) => [key, fromPlain(item)]),
    );
  }
  throw failure(`a value of the type ${typeof value} cannot be given to a chat template`);
}
