/** A template such as "{question} = " with the values of one row, as a preview of what the host does. */
import type { JsonObject, JsonValue } from './json-path.ts';

/** The text, and the columns that the row does not have. A dot reaches into objects: {check.target}. */
export function fillTemplate(
  template: string,
  row: Readonly<Record<string, unknown>>,
): { text: string; missing: string[] } {
  const missing: string[] = [];
  const text = template.replace(/\{([^{}]+)\}/g, (whole, name: string) => {
    const value = columnValue(row, name);
    if (value === undefined) {
      missing.push(name);
      return whole;
    }
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
  return { text, missing };
}

function columnValue(row: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(row, name)) return row[name];
  let value: unknown = row;
  for (const key of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as JsonObject)[key] satisfies JsonValue | undefined;
  }
  return value;
}
