/**
 * Copies a value that untrusted code returned. Looks at own data properties only and asks nothing that depends on what is
 * expected, so that an object with code behind its properties can neither answer to please nor learn what would.
 */

/** Taken before any untrusted code runs. */
const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
const { ownKeys } = Reflect;
const { isArray } = Array;

const deepest = 200;
const mostValues = 1_000_000;

/** The value is no plain data (a function, a map, a cycle, a property with a getter …). */
export class NotPlain extends Error {}

/** Stands for `undefined`, which JSON does not have. */
export type Plain =
  null | undefined | boolean | number | string | bigint | Plain[] | { [name: string]: Plain };

/** @throws NotPlain */
export function plainCopy(value: unknown): Plain {
  let values = 0;
  const copy = (part: unknown, depth: number): Plain => {
    values += 1;
    if (values > mostValues || depth > deepest)
      throw new NotPlain('a value that is too large or nested too deeply');
    if (part === null || part === undefined) return part;
    switch (typeof part) {
      case 'boolean':
      case 'number':
      case 'string':
      case 'bigint':
        return part;
      case 'object':
        break;
      default:
        throw new NotPlain(`a ${typeof part}`);
    }
    if (isArray(part)) {
      const length = getOwnPropertyDescriptor(part, 'length')?.value as unknown;
      if (typeof length !== 'number' || length > mostValues) throw new NotPlain('a list that is too long');
      const list: Plain[] = [];
      for (let i = 0; i < length; i++) list.push(copy(property(part, String(i)), depth + 1));
      return list;
    }
    const kind = Object.prototype.toString.call(part).slice(8, -1);
    if (kind !== 'Object' || !isPlain(part)) throw new NotPlain(`an object of type ${kind}`);
    const object: { [name: string]: Plain } = Object.create(null) as { [name: string]: Plain };
    for (const key of ownKeys(part)) {
      if (typeof key === 'string' && getOwnPropertyDescriptor(part, key)?.enumerable === true) {
        object[key] = copy(property(part, key), depth + 1);
      }
    }
    return object;
  };
  return copy(value, 0);
}

function property(object: object, key: string): unknown {
  const descriptor = getOwnPropertyDescriptor(object, key);
  if (descriptor === undefined) return undefined;
  if (!('value' in descriptor)) throw new NotPlain('an object with code behind its properties');
  return descriptor.value as unknown;
}

/** Whether the object is a literal, or an instance of a class that adds nothing but methods. */
function isPlain(object: object): boolean {
  for (let depth = 0, prototype = getPrototypeOf(object) as object | null; depth < 10; depth++) {
    if (prototype === null) return true;
    prototype = getPrototypeOf(prototype) as object | null;
  }
  return false;
}

/** Equal in depth; 0 and -0 are equal, and so are two NaN. */
export function samePlain(a: Plain, b: Plain): boolean {
  if (a === b || (a !== a && b !== b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isArray(a) || isArray(b)) {
    return isArray(a) && isArray(b) && a.length === b.length && a.every((part, i) => samePlain(part, b[i]));
  }
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && samePlain(a[name], b[name]))
  );
}
