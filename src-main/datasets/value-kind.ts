/** The kind of a value in the words that the window shows. */
import type { Json } from './row.ts';

const NUMBER_TEXT = /^\s*[+-]?\d{1,15}(?:\.\d{1,15})?\s*$/;

/** `text`, `number`, `number as text`, `yes/no`, `list`, `object` or `empty` (null and blank text). */
export function valueKind(value: Json): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'list';
  switch (typeof value) {
    case 'boolean':
      return 'yes/no';
    case 'number':
      return 'number';
    case 'string':
      if (value.trim() === '') return 'empty';
      return NUMBER_TEXT.test(value) ? 'number as text' : 'text';
    default:
      return 'object';
  }
}

/** The kind of a column whose values have these kinds. */
export function commonKind(kinds: Iterable<string>): string {
  const found = new Set(kinds);
  found.delete('empty');
  // Text of which some looks like a number is text.
  if (found.has('text')) found.delete('number as text');
  const [only = 'empty'] = found;
  return found.size > 1 ? 'mixed' : only;
}
