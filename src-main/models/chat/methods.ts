/** Methods of texts, dictionaries and lists that templates may call. Positions count code points, as in Python. */
import { bind, textArgument } from './arguments.ts';
import { toText } from './print.ts';
import {
  Callable,
  Tuple,
  Walk,
  checkLength,
  equal,
  failure,
  isDictionary,
  isList,
  toCount,
  typeName,
  unsupportedFeature,
  walk,
} from './values.ts';
import type { Arguments, Dictionary, Value } from './values.ts';

/** What Python takes for white space. JavaScript's differs by U+FEFF, U+0085 and the separators U+001C to U+001F. */
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const spaces = new RegExp(`[${SPACE}]+`);
const leading = new RegExp(`^[${SPACE}]+`);
const trailing = new RegExp(`[${SPACE}]+$`);

/** Cuts white space, or any of the given characters, from one or both ends. */
export function strip(text: string, characters: string | null, ends: 'both' | 'left' | 'right'): string {
  if (characters === null) {
    const rest = ends === 'right' ? text : text.replace(leading, '');
    return ends === 'left' ? rest : rest.replace(trailing, '');
  }
  const points = Array.from(text);
  const cut = new Set(characters);
  let start = 0;
  let end = points.length;
  if (ends !== 'right') while (start < end && cut.has(points[start] ?? '')) start++;
  if (ends !== 'left') while (end > start && cut.has(points[end - 1] ?? '')) end--;
  return points.slice(start, end).join('');
}

/** Python's `str.title`: a letter that follows no letter is upper case, any other lower. */
function titleCase(text: string): string {
  return text.replace(/[\p{L}\p{M}]+/gu, (word) => {
    return capitalize(word);
  });
}

/** Python's `str.capitalize`. */
export function capitalize(text: string): string {
  const [first = '', ...rest] = text;
  // A letter that becomes two ("ß") is upper case in the first only; four digraphs have a form of their own.
  const [head = '', ...tail] = digraphs[first.toUpperCase()] ?? first.toUpperCase();
  return head + [...tail, ...rest].join('').toLowerCase();
}

const digraphs: Readonly<Record<string, string>> = { Ǆ: 'ǅ', Ǉ: 'ǈ', Ǌ: 'ǋ', Ǳ: 'ǲ' };

function splitText(text: string, separator: string | null, limit: number): string[] {
  if (separator === '') throw failure('empty separator');
  if (separator !== null) {
    const parts = text.split(separator);
    if (limit < 0 || parts.length <= limit + 1) return parts;
    return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
  }
  const parts: string[] = [];
  let rest = text.replace(leading, '');
  while (rest !== '') {
    const gap = limit >= 0 && parts.length >= limit ? null : spaces.exec(rest);
    if (gap === null) {
      parts.push(rest);
      break;
    }
    parts.push(rest.slice(0, gap.index));
    rest = rest.slice(gap.index + gap[0].length);
  }
  return parts;
}

function splitFromRight(text: string, separator: string | null, limit: number): string[] {
  if (limit < 0) return splitText(text, separator, -1);
  if (separator === null) throw unsupportedFeature('rsplit() at white space with a limit');
  if (separator === '') throw failure('empty separator');
  const parts = text.split(separator);
  if (parts.length <= limit + 1) return parts;
  const kept = parts.length - limit;
  return [parts.slice(0, kept).join(separator), ...parts.slice(kept)];
}

/** Python's `str.replace`; a negative limit means all. */
export function replaceText(text: string, from: string, to: string, limit: number): string {
  checkLength(
    from === '' ? text.length * (to.length + 1) : text.length + (text.length / from.length) * to.length,
  );
  if (limit < 0)
    return from === '' ? [...text, ''].map((point) => to + point).join('') : text.replaceAll(from, () => to);
  if (from === '') throw unsupportedFeature('replace() of an empty text with a limit');
  const parts = splitText(text, from, limit);
  return parts.join(to);
}

/** Position in code points of a position in UTF-16 units. */
function codePoints(text: string, position: number): number {
  return position < 0 ? -1 : Array.from(text.slice(0, position)).length;
}

/** `'{} {name}'.format(…)` without format specifications. */
function braceFormat(text: string, args: Arguments): string {
  let next = 0;
  return text.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (all, field: string | undefined) => {
    if (all === '{{' || all === '}}') return all.charAt(0);
    if (field === undefined || !/^\w*$/.test(field)) throw unsupportedFeature(`The format field "${all}"`);
    const value =
      field === ''
        ? args.positional[next++]
        : /^\d+$/.test(field)
          ? args.positional[Number(field)]
          : args.named.get(field);
    if (value === undefined) throw failure(`format() has no value for "${all}"`);
    return toText(value);
  });
}

type TextMethod = (text: string, args: Arguments) => Value;

const noArguments =
  (name: string, compute: (text: string) => Value): TextMethod =>
  (text, args) => {
    bind(name, args, []);
    return compute(text);
  };
const everyCharacter = (name: string, pattern: RegExp): TextMethod =>
  noArguments(name, (text) => pattern.test(text));
const stripMethod =
  (name: string, ends: 'both' | 'left' | 'right'): TextMethod =>
  (text, args) => {
    const [characters = null] = bind(name, args, ['chars']);
    return strip(text, characters === null ? null : textArgument(name, characters), ends);
  };
const splitMethod =
  (name: string, split: typeof splitText): TextMethod =>
  (text, args) => {
    const [separator = null, limit = -1n] = bind(name, args, ['sep', 'maxsplit']);
    return split(text, separator === null ? null : textArgument(name, separator), toCount(limit, 'maxsplit'));
  };
const affixMethod =
  (name: string, test: (text: string, affix: string) => boolean): TextMethod =>
  (text, args) => {
    const [affix] = bind(name, args, ['prefix']);
    const affixes = affix instanceof Tuple ? affix.items : [affix];
    return affixes.some((one) => test(text, textArgument(name, one)));
  };
const padMethod =
  (name: string, pad: (text: string, missing: number, fill: string) => string): TextMethod =>
  (text, args) => {
    const [width, fill] = bind(name, args, ['width', 'fillchar']);
    const size = toCount(width ?? null, 'width');
    checkLength(size);
    return pad(text, Math.max(size - Array.from(text).length, 0), textArgument(name, fill, ' '));
  };
const findMethod =
  (name: string, last: boolean, required: boolean): TextMethod =>
  (text, args) => {
    const [part] = bind(name, args, ['sub']);
    const wanted = textArgument(name, part);
    const at = codePoints(text, last ? text.lastIndexOf(wanted) : text.indexOf(wanted));
    if (at < 0 && required) throw failure('substring not found');
    return BigInt(at);
  };

const textMethods: Readonly<Record<string, TextMethod>> = {
  upper: noArguments('upper', (text) => text.toUpperCase()),
  lower: noArguments('lower', (text) => text.toLowerCase()),
  title: noArguments('title', titleCase),
  capitalize: noArguments('capitalize', capitalize),
  strip: stripMethod('strip', 'both'),
  lstrip: stripMethod('lstrip', 'left'),
  rstrip: stripMethod('rstrip', 'right'),
  split: splitMethod('split', splitText),
  rsplit: splitMethod('rsplit', splitFromRight),
  startswith: affixMethod('startswith', (text, affix) => text.startsWith(affix)),
  endswith: affixMethod('endswith', (text, affix) => text.endsWith(affix)),
  find: findMethod('find', false, false),
  rfind: findMethod('rfind', true, false),
  index: findMethod('index', false, true),
  isalpha: everyCharacter('isalpha', /^\p{L}+$/u),
  isdigit: everyCharacter('isdigit', /^[\p{Nd}\u00b2\u00b3\u00b9\u2070-\u2089]+$/u),
  isdecimal: everyCharacter('isdecimal', /^\p{Nd}+$/u),
  isalnum: everyCharacter('isalnum', /^[\p{L}\p{N}]+$/u),
  isspace: everyCharacter('isspace', new RegExp(`^[${SPACE}]+$`)),
  isupper: noArguments('isupper', (text) => text === text.toUpperCase() && text !== text.toLowerCase()),
  islower: noArguments('islower', (text) => text === text.toLowerCase() && text !== text.toUpperCase()),
  format: braceFormat,
  ljust: padMethod('ljust', (text, missing, fill) => text + fill.repeat(missing)),
  rjust: padMethod('rjust', (text, missing, fill) => fill.repeat(missing) + text),
  zfill: (text, args) => {
    const [width] = bind('zfill', args, ['width']);
    const size = toCount(width ?? null, 'width');
    checkLength(size);
    const sign = /^[+-]/.exec(text)?.[0] ?? '';
    return sign + text.slice(sign.length).padStart(size - sign.length, '0');
  },
  splitlines: (text, args) => {
    const [keep = false] = bind('splitlines', args, ['keepends']);
    const lines =
      text.match(/[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]*(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]|$)/g) ??
      [];
    return lines
      .filter((line) => line !== '')
      .map((line) =>
        keep === true ? line : line.replace(/(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])$/, ''),
      );
  },
  replace: (text, args) => {
    const [from, to, limit = -1n] = bind('replace', args, ['old', 'new', 'count']);
    return replaceText(
      text,
      textArgument('replace', from),
      textArgument('replace', to),
      toCount(limit, 'count'),
    );
  },
  join: (text, args) => {
    const [items] = bind('join', args, ['iterable']);
    return walk(items ?? null)
      .map((item, index) => {
        if (typeof item === 'string') return item;
        throw failure(`sequence item ${index}: expected str instance, ${typeName(item)} found`);
      })
      .join(text);
  },
  count: (text, args) => {
    const [part] = bind('count', args, ['sub']);
    return BigInt(text.split(textArgument('count', part)).length - 1);
  },
  partition: (text, args) => {
    const [separator] = bind('partition', args, ['sep']);
    const wanted = textArgument('partition', separator);
    const at = text.indexOf(wanted);
    return new Tuple(at < 0 ? [text, '', ''] : [text.slice(0, at), wanted, text.slice(at + wanted.length)]);
  },
  rpartition: (text, args) => {
    const [separator] = bind('rpartition', args, ['sep']);
    const wanted = textArgument('rpartition', separator);
    const at = text.lastIndexOf(wanted);
    return new Tuple(at < 0 ? ['', '', text] : [text.slice(0, at), wanted, text.slice(at + wanted.length)]);
  },
  removeprefix: (text, args) => {
    const prefix = textArgument('removeprefix', bind('removeprefix', args, ['prefix'])[0]);
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  },
  removesuffix: (text, args) => {
    const suffix = textArgument('removesuffix', bind('removesuffix', args, ['suffix'])[0]);
    return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  },
};

const dictionaryMethods: Readonly<Record<string, (dictionary: Dictionary, args: Arguments) => Value>> = {
  items: (dictionary, args) => {
    bind('items', args, []);
    return new Walk(
      'view',
      [...dictionary].map((entry) => new Tuple(entry)),
    );
  },
  keys: (dictionary, args) => {
    bind('keys', args, []);
    return new Walk('view', [...dictionary.keys()]);
  },
  values: (dictionary, args) => {
    bind('values', args, []);
    return new Walk('view', [...dictionary.values()]);
  },
  get: (dictionary, args) => {
    const [key, fallback = null] = bind('get', args, ['key', 'default']);
    const value = typeof key === 'string' ? dictionary.get(key) : undefined;
    return value === undefined ? fallback : value;
  },
  copy: (dictionary, args) => {
    bind('copy', args, []);
    return new Map(dictionary);
  },
};

const listMethods: Readonly<Record<string, (list: readonly Value[], args: Arguments) => Value>> = {
  index: (list, args) => {
    const [item = null] = bind('index', args, ['value']);
    const at = list.findIndex((one) => equal(one, item));
    if (at < 0) throw failure('the value is not in the list');
    return BigInt(at);
  },
  count: (list, args) => {
    const [item = null] = bind('count', args, ['value']);
    return BigInt(list.filter((one) => equal(one, item)).length);
  },
  copy: (list, args) => {
    bind('copy', args, []);
    return [...list];
  },
};

/** Methods that Python has and that are missing above: changing ones are forbidden to templates, others rare. */
const otherMethods: Readonly<Record<'str' | 'dict' | 'list' | 'tuple', readonly string[]>> = {
  str: [
    'casefold',
    'center',
    'encode',
    'expandtabs',
    'format_map',
    'isascii',
    'isidentifier',
    'isnumeric',
    'isprintable',
    'istitle',
    'maketrans',
    'rindex',
    'swapcase',
    'translate',
  ],
  dict: ['clear', 'fromkeys', 'pop', 'popitem', 'setdefault', 'update'],
  list: ['append', 'clear', 'extend', 'insert', 'pop', 'remove', 'reverse', 'sort'],
  tuple: ['index', 'count'],
};

function lookUp<T>(
  methods: Readonly<Record<string, (self: T, args: Arguments) => Value>>,
  self: T,
  name: string,
): Callable | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return method === undefined ? undefined : new Callable(name, (args) => method(self, args));
}

/** The method of a value with a name, or undefined. Throws for methods that Python has and templates may not use here. */
export function methodOf(value: Value, name: string): Callable | undefined {
  const type = typeName(value);
  if (
    (type === 'str' || type === 'dict' || type === 'list' || type === 'tuple') &&
    otherMethods[type].includes(name)
  ) {
    throw unsupportedFeature(`The method ${type}.${name}()`);
  }
  if (typeof value === 'string') return lookUp(textMethods, value, name);
  if (isDictionary(value)) return lookUp(dictionaryMethods, value, name);
  return isList(value) ? lookUp(listMethods, value, name) : undefined;
}
