/** Binds the arguments of a call to the parameters of a built-in function, as Python does. */
import { failure } from './values.ts';
import type { Arguments, Value } from './values.ts';

/**
 * Values of the parameters in `names`, in that order; undefined where none was given. Throws when there are too many,
 * or one has another name or comes twice.
 */
export function bind(call: string, args: Arguments, names: readonly string[]): (Value | undefined)[] {
  if (args.positional.length > names.length) {
    throw failure(`${call}() takes at most ${names.length} arguments (${args.positional.length} given)`);
  }
  const values: (Value | undefined)[] = names.map((_, index) => args.positional[index]);
  for (const [name, value] of args.named) {
    const index = names.indexOf(name);
    if (index < 0) throw failure(`${call}() got an unexpected keyword argument '${name}'`);
    if (index < args.positional.length) throw failure(`${call}() got multiple values for argument '${name}'`);
    values[index] = value;
  }
  return values;
}

/** An argument that must be a text, or its default; without a default it must be given. */
export function textArgument(call: string, value: Value | undefined, fallback?: string): string {
  if (typeof value === 'string') return value;
  if (value === undefined && fallback !== undefined) return fallback;
  throw failure(`${call}() needs a text here`);
}
