/**
 * Reads JSON into template values without the losses of `JSON.parse`: `1.0` stays a float, large whole numbers stay
 * exact, and keys such as "10" keep their place.
 */
import { Float, failure } from './values.ts';
import type { Value } from './values.ts';

/** Deepest nesting; templates do not need more, and reading is recursive. */
const DEPTH_LIMIT = 200;

/** The value of a JSON text. Throws a TemplateFailure for invalid or too deeply nested JSON. */
export function parseJsonValue(text: string): Value {
  try {
    JSON.parse(text);
  } catch (error) {
    throw failure(`invalid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  // The text is valid from here on, so the shortest way of reading it will do.
  const token = /\s*([[\]{},:]|"(?:[^"\\]|\\.)*"|[^\s[\]{},:"]+)/gy;
  const next = (): string => token.exec(text)?.[1] ?? '';
  const read = (first: string, depth: number): Value => {
    if (depth > DEPTH_LIMIT) throw failure(`the JSON is nested more than ${DEPTH_LIMIT} deep`);
    if (first === '[') {
      const items: Value[] = [];
      for (let at = next(); at !== ']'; at = next()) if (at !== ',') items.push(read(at, depth + 1));
      return items;
    }
    if (first === '{') {
      const entries = new Map<string, Value>();
      for (let at = next(); at !== '}'; at = next()) {
        if (at === ',') continue;
        next();
        entries.set(String(JSON.parse(at)), read(next(), depth + 1));
      }
      return entries;
    }
    if (first.startsWith('"')) return String(JSON.parse(first));
    if (first === 'true' || first === 'false') return first === 'true';
    if (first === 'null') return null;
    return /^-?\d+$/.test(first) ? BigInt(first) : new Float(Number(first));
  };
  return read(next(), 0);
}
