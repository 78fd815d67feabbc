/** Columns by name or path (`check.numbers`), the names that exist, and the nearest to a mistyped one. */
import type { Json, Row } from './row.ts';
import { isObject } from './row.ts';

/**
 * The value of a column.
 * @param path a column's name, or names joined by dots for what lies inside objects and lists (`messages.0.content`);
 *   a column whose own name has dots is found first
 * @returns undefined where the row has no such value
 */
export function columnValue(row: Row, path: string): Json | undefined {
  if (Object.hasOwn(row, path)) return row[path];
  let value: Json | undefined = row;
  for (const name of path.split('.')) {
    if (Array.isArray(value)) {
      value = /^\d{1,9}$/.test(name) ? value[Number(name)] : undefined;
    } else if (isObject(value) && Object.hasOwn(value, name)) {
      value = value[name];
    } else {
      return undefined;
    }
  }
  return value;
}

/** The value of a column as text: empty for a missing value or null, JSON for lists and objects. */
export function columnText(row: Row, path: string): string {
  const value = columnValue(row, path);
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** All column names of some rows, in order of first appearance, with `outer.inner` for objects inside (two levels). */
export function columnNames(rows: Iterable<Row>): string[] {
  const names = new Set<string>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      names.add(name);
      if (isObject(value)) for (const inner of Object.keys(value)) names.add(`${name}.${inner}`);
    }
  }
  return [...names];
}

/** Number of single-character edits between two short texts (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The name most like a mistyped one, or undefined when none is near. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  const plain = (name: string): string =>
    name
      .slice(0, 100)
      .toLowerCase()
      .replace(/[\s_-]/g, '');
  const target = plain(wanted);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(target.length / 2)) + 1;
  for (const name of names) {
    const candidate = plain(name);
    let distance = editDistance(target, candidate);
    if (candidate.endsWith(`.${target}`) || (candidate.length > 2 && target.includes(candidate))) {
      distance = Math.min(distance, 1);
    }
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Says which columns there are: a sentence for errors. */
export function describeColumns(wanted: string, names: readonly string[]): string {
  const near = nearestName(wanted, names);
  const shown = names.slice(0, 30).join(', ') + (names.length > 30 ? `, and ${names.length - 30} more` : '');
  return `${near === undefined ? '' : `Did you mean “${near}”? `}The columns are: ${shown}.`;
}
