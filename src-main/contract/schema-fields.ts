/** Looking into a schema: which fields an object has, and what lies at a path. */
import { z } from 'zod';

/** The schema inside defaults and optional wrappers. */
export function unwrapSchema(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  ) {
    inner = inner.unwrap();
  }
  return inner;
}

/** Child of a value at a key of a path; undefined where there is none. Own properties only. */
export function childValue(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

/** Schema of a child; `value` (the data being looked at) decides which member of a union counts. */
function childSchema(schema: z.core.$ZodType, key: PropertyKey, value: unknown): z.core.$ZodType | undefined {
  const inner = pickMember(unwrapSchema(schema), value);
  if (inner instanceof z.ZodObject) {
    const child: unknown = childValue(inner.shape, key);
    return child instanceof z.ZodType ? child : undefined;
  }
  if (inner instanceof z.ZodArray) return /^\d+$/.test(String(key)) ? inner.element : undefined;
  if (inner instanceof z.ZodRecord) return inner.valueType;
  return undefined;
}

function pickMember(schema: z.core.$ZodType, value: unknown): z.core.$ZodType | undefined {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const { discriminator } = schema.def;
  const wanted = childValue(value, discriminator);
  return schema.options.find((option) => {
    if (!(option instanceof z.ZodObject)) return false;
    const literal: unknown = childValue(option.shape, discriminator);
    return literal instanceof z.ZodLiteral && [...literal.values].some((one) => one === wanted);
  });
}

/** Schema at a path such as ['method', 'learningRate'], unwrapped; undefined where there is no such field. */
export function schemaAt(
  schema: z.core.$ZodType,
  path: readonly PropertyKey[],
  value: unknown,
): z.core.$ZodType | undefined {
  let present: z.core.$ZodType | undefined = schema;
  let data = value;
  for (const key of path) {
    present = present === undefined ? undefined : childSchema(present, key, data);
    data = childValue(data, key);
  }
  return present === undefined ? undefined : pickMember(unwrapSchema(present), data);
}

/** Names of the fields of the object at a path; empty where there is no object. */
export function fieldsAt(schema: z.core.$ZodType, path: readonly PropertyKey[], value: unknown): string[] {
  const found = schemaAt(schema, path, value);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

/** The schema of a field as it was written, with defaults, optional wrappers and help; undefined where there is none. */
export function fieldSchemaAt(
  schema: z.core.$ZodType,
  path: readonly PropertyKey[],
  value: unknown,
): z.core.$ZodType | undefined {
  const parent = schemaAt(schema, path.slice(0, -1), value);
  const key = path.at(-1);
  if (!(parent instanceof z.ZodObject) || key === undefined) return undefined;
  const child: unknown = childValue(parent.shape, key);
  return child instanceof z.ZodType ? child : undefined;
}

/** What a field has when it is left out; undefined where nothing stands for it. */
export function defaultOf(schema: z.core.$ZodType | undefined): unknown {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable) inner = inner.unwrap();
  return inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault ? inner.def.defaultValue : undefined;
}
