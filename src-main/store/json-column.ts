/** Columns that hold JSON. */
import { z } from 'zod';

/** A JSON column: parsed, then checked by `schema`. */
export function jsonColumn<S extends z.ZodType>(schema: S) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'the column does not hold JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);
}
