/** Where something stands in a JSON Schema, as a JSON Pointer (RFC 6901). */

/** One name of a pointer. */
function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The first place, from the outside in, for which `wanted` holds; empty when there is none. */
export function findInSchema(
  schema: unknown,
  wanted: (key: string, value: unknown, parent: string) => boolean,
): string {
  let level: { readonly value: unknown; readonly path: string; readonly name: string }[] = [
    { value: schema, path: '', name: '' },
  ];
  while (level.length > 0) {
    const below: typeof level = [];
    for (const { value, path, name } of level) {
      if (typeof value !== 'object' || value === null) continue;
      for (const [key, part] of Object.entries(value)) {
        const place = `${path}/${escaped(key)}`;
        if (wanted(key, part, name)) return place;
        below.push({ value: part, path: place, name: key });
      }
    }
    level = below;
  }
  return '';
}
