/** What hosts tell of judges: rubrics that ship, keys by name, kept judgements, and whether a judge can be used. */
import { z } from 'zod';

/** A rubric that ships, or is kept in a file of the same form. */
export const rubricFileSchema = z.strictObject({
  title: z.string().min(1),
  about: z.string(),
  /** How the judge works with it. */
  mode: z.enum(['score', 'compare']).default('score'),
  rubric: z.string().min(1),
});
export const rubricCardSchema = rubricFileSchema.extend({ id: z.string() });
export type RubricCard = z.output<typeof rubricCardSchema>;

/** Name of a key: the key itself is never told. */
export const keyNameSchema = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a name of letters, digits, _ and -, beginning with a letter');

export const keyCardSchema = z.strictObject({
  name: z.string(),
  /** environment: a variable; protected: a file that the system's safe storage encrypts; file: a file for this user alone. */
  place: z.enum(['environment', 'protected', 'file']),
  /** The variable or the file. */
  where: z.string(),
});
export type KeyCard = z.output<typeof keyCardSchema>;

export const judgeCheckSchema = z.strictObject({
  /** Whether the server answered. */
  reachable: z.boolean(),
  /** Names of the models that it offers; null where it does not say. */
  models: z.array(z.string()).nullable(),
  /** Seconds that its list of models took. */
  seconds: z.number().nullable(),
  /** What is wrong: errors stop a run at once, warnings may be right all the same. */
  problems: z.array(
    z.strictObject({
      level: z.enum(['error', 'warning']),
      code: z.string(),
      message: z.string(),
      advice: z.string(),
    }),
  ),
});
export type JudgeCheck = z.output<typeof judgeCheckSchema>;

export const judgeCacheSchema = z.strictObject({
  replies: z.int(),
  bytes: z.int(),
  oldest: z.number().nullable(),
});
