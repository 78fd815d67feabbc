/** `--set path=value`: settings of an experiment file that the command line changes. Pure. */
import { userError } from '../../contract/errors.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

function parseSetting(text: string): { path: string[]; value: Json } {
  const equals = text.indexOf('=');
  const path = text.slice(0, equals === -1 ? text.length : equals).split('.');
  if (equals === -1 || path.some((key) => key === '' || key === '__proto__')) {
    throw userError('usage', `--set takes path=value, not "${text}".`, {
      where: `--set ${text}`,
      advice: 'For example --set budget.steps=50 or --set method.estimator=rloo.',
    });
  }
  const raw = text.slice(equals + 1);
  try {
    return { path, value: JSON.parse(raw) as Json };
  } catch {
    return { path, value: raw };
  }
}

/** A copy of `holder` in which what lies at `path` is `value`; objects on the way are made where they are missing. */
function replaced(holder: Json | undefined, path: readonly string[], value: Json, setting: string): Json {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(holder)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index > holder.length) {
      throw userError('usage', `"${key}" is no place in a list of ${holder.length}; places count from 0.`, {
        where: `--set ${setting}`,
      });
    }
    const copy = [...holder];
    copy[index] = replaced(holder[index], rest, value, setting);
    return copy;
  }
  if (holder !== undefined && (holder === null || typeof holder !== 'object')) {
    throw userError('usage', `Nothing lies below a plain value, so "${key}" cannot be set.`, {
      where: `--set ${setting}`,
    });
  }
  const inner = holder !== undefined && Object.hasOwn(holder, key) ? holder[key] : undefined;
  return { ...holder, [key]: replaced(inner, rest, value, setting) };
}

/**
 * The text of an experiment file with settings changed. A value that is JSON counts as such, anything else as a string.
 * The text comes back unchanged where nothing is set or where it is no JSON object: the parser of experiments then says
 * what is wrong with it. Whether the paths exist is for that parser to say as well.
 *
 * @throws EspalierError `usage`: a setting without path or value, or a path through a plain value.
 */
export function applySettings(text: string, settings: readonly string[]): string {
  const parsed = settings.map((setting) => ({ setting, ...parseSetting(setting) }));
  if (parsed.length === 0) return text;
  let document: Json;
  try {
    document = JSON.parse(text) as Json;
  } catch {
    return text;
  }
  if (document === null || typeof document !== 'object' || Array.isArray(document)) return text;
  for (const { path, value, setting } of parsed) document = replaced(document, path, value, setting);
  return JSON.stringify(document, null, 2);
}
