/** What the bundles inside the engine return: JSON, checked like anything that comes from outside. */
import { z } from 'zod';
import { GuestStop } from './machine.ts';

export const outcomeSchema = z.object({ value: z.number().nullable(), reason: z.string() });
export const problemSchema = z.object({
  message: z.string(),
  path: z.string().optional(),
  advice: z.string().default(''),
  line: z.number().optional(),
  column: z.number().optional(),
});
export const linesSchema = z.array(z.string());

/** @throws GuestStop `broken` for a text that is not of this form */
export function parseGuestJson<T extends z.ZodType>(schema: T, text: string): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new GuestStop('broken', 'no JSON came back');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new GuestStop('broken', 'an unknown form came back');
  return parsed.data;
}
