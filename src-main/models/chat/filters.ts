/** The filters of jinja2 that chat templates use. Any other is refused by name. */
import { bind, textArgument } from './arguments.ts';
import { capitalize, replaceText, strip } from './methods.ts';
import { arithmetic, itemOf, lengthOf } from './operators.ts';
import { percentFormat } from './python-format.ts';
import { repr, toJson, toText } from './print.ts';
import { tests } from './tests.ts';
import {
  Float,
  Markup,
  Tuple,
  Undefined,
  Walk,
  checkDefined,
  checkLength,
  compare,
  equal,
  failure,
  isDictionary,
  isList,
  numeric,
  orUndefined,
  sequence,
  toCount,
  truthy,
  typeName,
  unsupportedFeature,
  walk,
} from './values.ts';
import type { Arguments, Value } from './values.ts';

/** A filter; `apply` runs another filter by its name, for `map('upper')`. */
type Filter = (
  value: Value,
  args: Arguments,
  apply: (name: string, value: Value, args: Arguments) => Value,
) => Value;

/** What a text filter sees of any value: its printed form. */
const textFilter =
  (name: string, compute: (text: string) => Value): Filter =>
  (value, args) => {
    bind(name, args, []);
    if (value instanceof Markup) throw unsupportedFeature(`The filter "${name}" after text marked as safe`);
    return compute(toText(value));
  };

/** A getter for `attribute='a.b.0'`; without an attribute the value itself. */
function getter(attribute: Value | undefined, fallback?: Value): (value: Value) => Value {
  if (attribute === undefined || attribute === null) return (value) => value;
  const path =
    typeof attribute === 'bigint'
      ? [attribute]
      : textArgument('attribute', attribute)
          .split('.')
          .map((part) => (/^\d+$/.test(part) ? BigInt(part) : part));
  return (value) => {
    let at = value;
    for (const part of path) {
      at = itemOf(at, part);
      if (at instanceof Undefined && fallback !== undefined) at = fallback;
    }
    return at;
  };
}

/** Orders texts without regard to case unless told otherwise. */
function folded(caseSensitive: boolean): (value: Value) => Value {
  return (value) => (!caseSensitive && typeof value === 'string' ? value.toLowerCase() : value);
}

function sorted(items: readonly Value[], key: (value: Value) => Value, reverse: boolean): Value[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  // Equal elements keep their order in both directions, as in Python.
  keyed.sort((a, b) => (reverse ? compare(b.key, a.key) : compare(a.key, b.key)));
  return keyed.map(({ item }) => item);
}

const extreme =
  (name: 'min' | 'max'): Filter =>
  (value, args) => {
    const [caseSensitive = false, attribute] = bind(name, args, ['case_sensitive', 'attribute']);
    const fold = folded(truthy(caseSensitive));
    const get = getter(attribute);
    const key = (item: Value): Value => fold(get(item));
    const items = walk(value);
    const [first] = items;
    if (first === undefined) return new Undefined('No aggregated item, sequence was empty.');
    return items.reduce((best, item) => {
      const order = compare(key(item), key(best));
      return (name === 'min' ? order < 0 : order > 0) ? item : best;
    }, first);
  };

/** `select`, `reject` and their forms that test an attribute. */
const selecting =
  (name: string, wanted: boolean, byAttribute: boolean): Filter =>
  (value, args) => {
    if (args.named.size > 0) throw unsupportedFeature(`A named argument of the filter "${name}"`);
    const [attribute, rest] = byAttribute
      ? [args.positional[0], args.positional.slice(1)]
      : [undefined, args.positional];
    if (byAttribute && attribute === undefined)
      throw failure(`the filter "${name}" needs the name of an attribute`);
    const get = getter(attribute);
    const [testName, ...testArguments] = rest;
    let test = (item: Value): boolean => truthy(item);
    if (testName !== undefined) {
      const known =
        typeof testName === 'string' && Object.hasOwn(tests, testName) ? tests[testName] : undefined;
      if (known === undefined) throw unsupportedFeature(`The test "${toText(testName)}"`);
      test = (item) => known(item, testArguments);
    }
    return new Walk(
      'generator',
      walk(value).filter((item) => test(get(item)) === wanted),
    );
  };

/** Python's `round(value, precision)`: ties go to the even digit. */
function rounded(value: number, precision: number): number {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e21) return value;
  if (precision < 0) throw unsupportedFeature('Rounding before the decimal point');
  // Enough digits to see every tie: a double that lies half-way has few digits, all of them here.
  const exact = value.toFixed(Math.min(100, precision + 40));
  const cut = exact.length - Math.min(100, precision + 40) + precision;
  if (!/^50*$/.test(exact.slice(cut))) return Number(value.toFixed(precision));
  const down = exact.slice(0, cut);
  return Number(/[02468]\.?$/.test(down) ? down : value.toFixed(precision));
}

const round: Filter = (value, args) => {
  const [precisionValue = 0n, method = 'common'] = bind('round', args, ['precision', 'method']);
  checkDefined(value);
  const number = numeric(value);
  if (number === null) throw failure(`type ${typeName(value)} doesn't define __round__ method`);
  const precision = toCount(precisionValue, 'the precision');
  if (method === 'common') return typeof number === 'bigint' ? number : new Float(rounded(number, precision));
  if (method !== 'ceil' && method !== 'floor') throw failure('method must be common, ceil or floor');
  const scale = 10 ** precision;
  return new Float(
    (method === 'ceil' ? Math.ceil(Number(number) * scale) : Math.floor(Number(number) * scale)) / scale,
  );
};

const toWhole: Filter = (value, args) => {
  const [fallback = 0n, base = 10n] = bind('int', args, ['default', 'base']);
  const number = numeric(value);
  if (typeof number === 'bigint') return number;
  if (typeof number === 'number') return Number.isFinite(number) ? BigInt(Math.trunc(number)) : fallback;
  if (typeof value !== 'string') {
    if (value instanceof Undefined || value === null || isList(value) || isDictionary(value)) return fallback;
    throw unsupportedFeature(`The filter "int" of a ${typeName(value)}`);
  }
  const text = strip(value, null, 'both').replace(/(?<=\d)_(?=\d)/g, '');
  const radix = toCount(base, 'the base');
  if (radix === 10) {
    if (/^[+-]?\d+$/.test(text)) return BigInt(text.replace('+', ''));
    const float = pythonFloat(text);
    return float !== null && Number.isFinite(float) ? BigInt(Math.trunc(float)) : fallback;
  }
  if (radix !== 16 && radix !== 8 && radix !== 2)
    throw unsupportedFeature(`The filter "int" with base ${radix}`);
  const digits = {
    16: /^([+-]?)(?:0x)?([0-9a-f]+)$/i,
    8: /^([+-]?)(?:0o)?([0-7]+)$/i,
    2: /^([+-]?)(?:0b)?([01]+)$/i,
  }[radix].exec(text);
  if (digits === null) return fallback;
  const whole = BigInt(`0${{ 16: 'x', 8: 'o', 2: 'b' }[radix]}${digits[2]}`);
  return digits[1] === '-' ? -whole : whole;
};

/** Python's `float` of a text, or null. */
function pythonFloat(text: string): number | null {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return /^[+-]?nan$/i.test(text) ? NaN : null;
}

const toFloat: Filter = (value, args) => {
  const [fallback = new Float(0)] = bind('float', args, ['default']);
  const number = numeric(value);
  if (number !== null) return new Float(Number(number));
  if (typeof value !== 'string') return fallback;
  const float = pythonFloat(strip(value, null, 'both').replace(/(?<=\d)_(?=\d)/g, ''));
  return float === null ? fallback : new Float(float);
};

const fallbackFilter: Filter = (value, args) => {
  const [fallback = '', boolean = false] = bind('default', args, ['default_value', 'boolean']);
  return value instanceof Undefined || (truthy(boolean) && !truthy(value)) ? fallback : value;
};

const jsonFilter: Filter = (value, args) => {
  const [ascii = false, indent = null, separators = null, sortKeys = false] = bind('tojson', args, [
    'ensure_ascii',
    'indent',
    'separators',
    'sort_keys',
  ]);
  const pair = sequence(separators)?.items;
  if (separators !== null && pair?.length !== 2) throw failure('separators must be two texts');
  return toJson(value, {
    ensureAscii: truthy(ascii),
    indent:
      indent === null
        ? null
        : typeof indent === 'string'
          ? indent
          : ' '.repeat(Math.max(0, toCount(indent, 'indent'))),
    separators:
      pair === undefined ? null : [textArgument('tojson', pair[0]), textArgument('tojson', pair[1])],
    sortKeys: truthy(sortKeys),
  });
};

const indentFilter: Filter = (value, args) => {
  const [width = 4n, first = false, blank = false] = bind('indent', args, ['width', 'first', 'blank']);
  const margin = typeof width === 'string' ? width : ' '.repeat(Math.max(0, toCount(width, 'the width')));
  if (typeof value !== 'string') throw failure(`the filter "indent" needs a text, not ${typeName(value)}`);
  if (/[\r\v\f\x1c-\x1e\x85\u2028\u2029]/.test(value))
    throw unsupportedFeature('The filter "indent" of a text with unusual line ends');
  const [head = '', ...lines] = value.split('\n');
  checkLength(value.length + lines.length * margin.length);
  const rest = lines.map((line) => (line !== '' || truthy(blank) ? margin + line : line));
  return [truthy(first) ? margin + head : head, ...rest].join('\n');
};

const lengthFilter: Filter = (value, args) => {
  bind('length', args, []);
  return lengthOf(value);
};

const escapeFilter: Filter = (value, args) => {
  bind('escape', args, []);
  if (value instanceof Markup) return value;
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    "'": '&#39;',
    '"': '&#34;',
  };
  return new Markup(toText(value).replace(/[&<>'"]/g, (character) => names[character] ?? character));
};

const groupInto =
  (name: 'batch' | 'slice', cut: (items: readonly Value[], count: number) => Value[]): Filter =>
  (value, args) => {
    const [countValue = null, fill] = bind(name, args, [
      name === 'batch' ? 'linecount' : 'slices',
      'fill_with',
    ]);
    if (fill !== undefined && fill !== null)
      throw unsupportedFeature(`The filter "${name}" with a filling value`);
    const count = toCount(countValue, 'the count');
    if (count < 1) throw failure('the count must be at least 1');
    checkLength(count);
    return new Walk('generator', cut(walk(value), count));
  };

export const filters: Readonly<Record<string, Filter>> = {
  abs: (value, args) => {
    bind('abs', args, []);
    const number = numeric(value);
    if (number === null) throw failure(`bad operand type for abs(): '${typeName(value)}'`);
    return typeof number === 'bigint' ? (number < 0n ? -number : number) : new Float(Math.abs(number));
  },
  batch: groupInto('batch', (items, count) =>
    Array.from({ length: Math.ceil(items.length / count) }, (_, index) =>
      items.slice(index * count, (index + 1) * count),
    ),
  ),
  slice: groupInto('slice', (items, count) => {
    const size = Math.floor(items.length / count);
    const longer = items.length % count;
    return Array.from({ length: count }, (_, index) => {
      const start = index * size + Math.min(index, longer);
      return items.slice(start, start + size + (index < longer ? 1 : 0));
    });
  }),
  capitalize: textFilter('capitalize', capitalize),
  upper: textFilter('upper', (text) => text.toUpperCase()),
  lower: textFilter('lower', (text) => text.toLowerCase()),
  title: textFilter('title', (text) =>
    text.replace(/[^-\s({[<]+/g, (word) => {
      const [first = '', ...rest] = word;
      return first.toUpperCase() + rest.join('').toLowerCase();
    }),
  ),
  wordcount: textFilter('wordcount', (text) => BigInt(text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)),
  urlencode: (value, args) => {
    bind('urlencode', args, []);
    if (typeof value !== 'string') throw unsupportedFeature(`The filter "urlencode" of a ${typeName(value)}`);
    return encodeURIComponent(value)
      .replace(/[!'()*]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%2F', '/');
  },
  center: (value, args) => {
    const [width = 80n] = bind('center', args, ['width']);
    const text = toText(value);
    const size = toCount(width, 'the width');
    checkLength(size);
    const missing = Math.max(0, size - Array.from(text).length);
    // Python puts the odd space to the left where the width is odd.
    const left = Math.floor(missing / 2) + (missing & size & 1);
    return ' '.repeat(left) + text + ' '.repeat(missing - left);
  },
  count: lengthFilter,
  length: lengthFilter,
  d: fallbackFilter,
  default: fallbackFilter,
  dictsort: (value, args) => {
    const [caseSensitive = false, by = 'key', reverse = false] = bind('dictsort', args, [
      'case_sensitive',
      'by',
      'reverse',
    ]);
    if (!isDictionary(value))
      throw failure(`the filter "dictsort" needs a dictionary, not ${typeName(value)}`);
    if (by !== 'key' && by !== 'value') throw failure('You can only sort by either "key" or "value"');
    const fold = folded(truthy(caseSensitive));
    const entries = [...value].map((entry) => new Tuple(entry));
    return sorted(entries, (entry) => fold(itemOf(entry, by === 'key' ? 0n : 1n)), truthy(reverse));
  },
  e: escapeFilter,
  escape: escapeFilter,
  safe: (value, args) => {
    bind('safe', args, []);
    return value instanceof Markup ? value : new Markup(toText(value));
  },
  first: (value, args) => {
    bind('first', args, []);
    return orUndefined(walk(value)[0], 'No first item, sequence was empty.');
  },
  last: (value, args) => {
    bind('last', args, []);
    if (value instanceof Walk && value.kind === 'generator')
      throw unsupportedFeature('The filter "last" after a generator');
    return orUndefined(walk(value).at(-1), 'No last item, sequence was empty.');
  },
  float: toFloat,
  format: (value, args) => {
    if (args.named.size > 0) throw unsupportedFeature('A named argument of the filter "format"');
    return percentFormat(toText(value), args.positional);
  },
  indent: indentFilter,
  int: toWhole,
  items: (value, args) => {
    bind('items', args, []);
    if (value instanceof Undefined) return new Walk('generator', []);
    if (!isDictionary(value)) throw failure('Can only get item pairs from a mapping.');
    return new Walk(
      'generator',
      [...value].map((entry) => new Tuple(entry)),
    );
  },
  join: (value, args) => {
    const [separator = '', attribute] = bind('join', args, ['d', 'attribute']);
    const get = getter(attribute);
    const text = walk(value)
      .map((item) => {
        const one = get(item);
        if (one instanceof Markup) throw unsupportedFeature('Joining text marked as safe');
        return toText(one);
      })
      .join(toText(separator));
    checkLength(text.length);
    return text;
  },
  list: (value, args) => {
    bind('list', args, []);
    return [...walk(value)];
  },
  map: (value, args, apply) => {
    const items = walk(value);
    if (args.positional.length === 0) {
      const attribute = args.named.get('attribute');
      const fallback = args.named.get('default');
      if (attribute === undefined || args.named.size > (fallback === undefined ? 1 : 2))
        throw failure('the filter "map" needs a filter or an attribute');
      return new Walk('generator', items.map(getter(attribute, fallback)));
    }
    const [name, ...rest] = args.positional;
    const filter = textArgument('map', name);
    return new Walk(
      'generator',
      items.map((item) => apply(filter, item, { positional: rest, named: args.named })),
    );
  },
  max: extreme('max'),
  min: extreme('min'),
  reject: selecting('reject', false, false),
  rejectattr: selecting('rejectattr', false, true),
  select: selecting('select', true, false),
  selectattr: selecting('selectattr', true, true),
  replace: (value, args) => {
    const [from, to, limit = null] = bind('replace', args, ['old', 'new', 'count']);
    if (value instanceof Markup) throw unsupportedFeature('The filter "replace" after text marked as safe');
    return replaceText(
      toText(value),
      toText(from ?? null),
      toText(to ?? null),
      limit === null ? -1 : toCount(limit, 'count'),
    );
  },
  reverse: (value, args) => {
    bind('reverse', args, []);
    if (typeof value === 'string') return Array.from(value).reverse().join('');
    return new Walk('generator', walk(value).toReversed());
  },
  round,
  sort: (value, args) => {
    const [reverse = false, caseSensitive = false, attribute] = bind('sort', args, [
      'reverse',
      'case_sensitive',
      'attribute',
    ]);
    const fold = folded(truthy(caseSensitive));
    const gets =
      typeof attribute === 'string' ? attribute.split(',').map((part) => getter(part)) : [getter(attribute)];
    return sorted(walk(value), (item) => new Tuple(gets.map((get) => fold(get(item)))), truthy(reverse));
  },
  string: (value, args) => {
    bind('string', args, []);
    return value instanceof Markup ? value : toText(value);
  },
  sum: (value, args) => {
    const [attribute, start = 0n] = bind('sum', args, ['attribute', 'start']);
    const get = getter(attribute);
    return walk(value).reduce<Value>((total, item) => arithmetic('+', total, get(item)), start);
  },
  tojson: jsonFilter,
  trim: (value, args) => {
    const [characters = null] = bind('trim', args, ['chars']);
    if (value instanceof Markup) throw unsupportedFeature('The filter "trim" after text marked as safe');
    return strip(toText(value), characters === null ? null : textArgument('trim', characters), 'both');
  },
  unique: (value, args) => {
    const [caseSensitive = false, attribute] = bind('unique', args, ['case_sensitive', 'attribute']);
    const fold = folded(truthy(caseSensitive));
    const get = getter(attribute);
    const seen: Value[] = [];
    return new Walk(
      'generator',
      walk(value).filter((item) => {
        const key = fold(get(item));
        if (isList(key) || isDictionary(key)) throw failure(`unhashable type: '${typeName(key)}'`);
        if (seen.some((one) => equal(one, key))) return false;
        seen.push(key);
        return true;
      }),
    );
  },
  pprint: (value, args) => {
    bind('pprint', args, []);
    if (numeric(value) === null) throw unsupportedFeature('The filter "pprint" of anything but a number');
    return repr(value);
  },
};

/** The filter with a name. Throws where it is not supported. */
export function applyFilter(name: string, value: Value, args: Arguments): Value {
  const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
  if (filter === undefined) throw unsupportedFeature(`The filter "${name}"`);
  return filter(value, args, applyFilter);
}
