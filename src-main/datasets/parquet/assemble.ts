/**
 * Columns → records, as the Dremel paper describes it (https://research.google/pubs/pub36632, "record assembly"): the
 * schema becomes a tree of readers that take entries from their columns, told by the levels where lists go on.
 */
import type { SchemaTree } from 'hyparquet/src/types.js';
import type { Json } from '../row.ts';
import { keyText, setField } from '../typed-values.ts';
import type { ColumnChunk } from './column-chunk.ts';

/** Reads the next value of a part of the schema. */
type Reader = () => Json;

interface Part {
  readonly read: Reader;
  readonly columns: readonly ColumnChunk[];
}

/** Columns by their place in the schema (their path joined by NUL, which no name holds). */
export type ColumnsByPath = ReadonlyMap<string, ColumnChunk>;

/** Name of a column in `ColumnsByPath`. */
export const pathKey = (path: readonly string[]): string => path.join('\0');

function firstOf(columns: readonly ColumnChunk[]): ColumnChunk {
  const [first] = columns;
  if (first === undefined) throw new Error('a group without columns');
  return first;
}

function skipAll(columns: readonly ColumnChunk[]): null {
  for (const column of columns) column.take();
  return null;
}

const isRepeated = (node: SchemaTree): boolean => node.element.repetition_type === 'REPEATED';

/** Levels on the way down to a node: how many optional or repeated nodes, and how many repeated ones. */
interface Levels {
  readonly definition: number;
  readonly repetition: number;
}

/** A node as a value: null where an optional one is missing, a list where it repeats outside of a list annotation. */
function partOf(node: SchemaTree, columns: ColumnsByPath, above: Levels): Part {
  switch (node.element.repetition_type) {
    case 'REPEATED':
      return listOf(node, columns, above, (inner) => contentOf(node, columns, inner));
    case 'OPTIONAL': {
      const definition = above.definition + 1;
      const content = contentOf(node, columns, { ...above, definition });
      // A leaf says by itself whether it has a value.
      if (node.children.length === 0) return content;
      const { read } = content;
      const first = firstOf(content.columns);
      return {
        columns: content.columns,
        read: () => (first.definition() < definition ? skipAll(content.columns) : read()),
      };
    }
    default:
      return contentOf(node, columns, above);
  }
}

function listOf(
  repeated: SchemaTree,
  _columns: ColumnsByPath,
  above: Levels,
  element: (inner: Levels) => Part,
): Part {
  if (!isRepeated(repeated)) throw new Error('a list whose content does not repeat');
  const inner = { definition: above.definition + 1, repetition: above.repetition + 1 };
  const part = element(inner);
  const { read } = part;
  const first = firstOf(part.columns);
  return {
    columns: part.columns,
    read: () => {
      const values: Json[] = [];
      if (first.definition() < inner.definition) {
        skipAll(part.columns);
        return values;
      }
      do values.push(read());
      while (first.repetition() === inner.repetition);
      return values;
    },
  };
}

/** A node without regard to whether it is optional or repeated. */
function contentOf(node: SchemaTree, columns: ColumnsByPath, levels: Levels): Part {
  if (node.children.length === 0) {
    const column = columns.get(pathKey(node.path));
    if (column === undefined) throw new Error('a column of the schema is not in the file');
    return { columns: [column], read: () => column.take() };
  }
  const { converted_type: converted, logical_type: logical, name } = node.element;
  const [only] = node.children;
  if (only !== undefined && node.children.length === 1 && isRepeated(only)) {
    if (converted === 'LIST' || logical?.type === 'LIST') {
      const [element] = only.children;
      // Backward compatibility rules of the format: the repeated node itself is the element where it is a leaf,
      // has several fields, or has one of the names of old writers.
      const itself =
        element === undefined ||
        only.children.length > 1 ||
        only.element.name === 'array' ||
        only.element.name === `${name}_tuple`;
      return listOf(only, columns, levels, (inner) =>
        itself ? contentOf(only, columns, inner) : partOf(element, columns, inner),
      );
    }
    const [key, value] = only.children;
    const isMap = converted === 'MAP' || converted === 'MAP_KEY_VALUE' || logical?.type === 'MAP';
    if (isMap && key !== undefined && value !== undefined && only.children.length === 2) {
      const pairs = listOf(only, columns, levels, (inner) => pairOf(key, value, columns, inner));
      return { columns: pairs.columns, read: () => mapOf(pairs.read()) };
    }
  }
  return structOf(node, columns, levels);
}

function pairOf(key: SchemaTree, value: SchemaTree, columns: ColumnsByPath, levels: Levels): Part {
  const keys = partOf(key, columns, levels);
  const values = partOf(value, columns, levels);
  return { columns: [...keys.columns, ...values.columns], read: () => [keys.read(), values.read()] };
}

function mapOf(pairs: Json): Json {
  const made: { [name: string]: Json } = {};
  if (!Array.isArray(pairs)) return made;
  for (const pair of pairs) {
    if (Array.isArray(pair)) setField(made, keyText(pair[0] ?? null), pair[1] ?? null);
  }
  return made;
}

function structOf(node: SchemaTree, columns: ColumnsByPath, levels: Levels): Part {
  const names = node.children.map((child) => child.element.name);
  const parts = node.children.map((child) => partOf(child, columns, levels));
  const readers = parts.map((part) => part.read);
  return {
    columns: parts.flatMap((part) => part.columns),
    read: () => {
      const made: { [name: string]: Json } = {};
      for (let i = 0; i < readers.length; i++) setField(made, names[i] ?? '', readers[i]?.() ?? null);
      return made;
    },
  };
}

/**
 * A function that reads the next row from its columns.
 * @param schema the root of the schema
 * @throws Error for a schema that does not fit the columns
 */
export function rowReader(schema: SchemaTree, columns: ColumnsByPath): () => { [name: string]: Json } {
  const readers = schema.children.map((child) => ({
    name: child.element.name,
    read: partOf(child, columns, { definition: 0, repetition: 0 }).read,
  }));
  return () => {
    const row: { [name: string]: Json } = {};
    for (const { name, read } of readers) setField(row, name, read());
    return row;
  };
}
