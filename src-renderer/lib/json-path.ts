/** Reading and changing plain JSON at paths such as `budget.steps` or `reward.components.0.weight`. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path; undefined where there is none. */
export function valueAt(document: JsonValue, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = document;
  for (const key of path.split('.')) {
    if (Array.isArray(value)) value = value[Number(key)];
    else if (isObject(value) && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}

/** A copy with another value at a path; undefined takes it out. Missing objects on the way are made. */
export function withValueAt(document: JsonObject, path: string, value: JsonValue | undefined): JsonObject {
  const [key = '', ...rest] = path.split('.');
  const copy = { ...document };
  const present = copy[key];
  if (rest.length === 0) {
    if (value === undefined) delete copy[key];
    else copy[key] = value;
  } else if (Array.isArray(present)) {
    copy[key] = withItemAt(present, rest, value);
  } else {
    copy[key] = withValueAt(isObject(present) ? present : {}, rest.join('.'), value);
  }
  return copy;
}

function withItemAt(list: JsonValue[], path: string[], value: JsonValue | undefined): JsonValue[] {
  const index = Number(path[0]);
  const rest = path.slice(1);
  return list.flatMap((item, place) => {
    if (place !== index) return [item];
    if (rest.length > 0) return [withValueAt(isObject(item) ? item : {}, rest.join('.'), value)];
    return value === undefined ? [] : [value];
  });
}
