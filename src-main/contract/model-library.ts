/** The models that are on this computer, usable or not, and whether they fit its memory. */
import { z } from 'zod';

export const modelCardSchema = z.strictObject({
  path: z.string(),
  name: z.string(),
  family: z.string(),
  parameters: z.int(),
  context: z.int(),
  vocabulary: z.int(),
  hasChatTemplate: z.boolean(),
  bytes: z.number(),
  /** Text of MODEL.md or the model card's first lines, where there is one: what it was trained on. */
  about: z.string().nullable(),
});

/** Memory in bytes that a model takes here, against what is free. An estimate for answers and questions of usual length. */
export const memoryFitSchema = z.strictObject({
  /** Training all weights. */
  training: z.number(),
  sampling: z.number(),
  available: z.number(),
  trains: z.boolean(),
  samples: z.boolean(),
});
export type MemoryFit = z.infer<typeof memoryFitSchema>;

/** Where models are looked for: those that ship, the data directory, the Hugging Face cache, folders that the user named. */
export const modelSourceSchema = z.enum(['builtin', 'data', 'cache', 'folder']);
export type ModelSource = z.infer<typeof modelSourceSchema>;

export const modelEntrySchema = z.strictObject({
  /** As an experiment names it. */
  path: z.string(),
  name: z.string(),
  source: modelSourceSchema,
  /** Branch or commit, for models of the cache. */
  revision: z.string().nullable(),
  bytes: z.number(),
  supported: z.boolean(),
  /** Why it cannot be used, and what to do; null where it can. */
  why: z.string().nullable(),
  advice: z.string().nullable(),
  /** Null where it cannot be used. */
  card: modelCardSchema.nullable(),
  memory: memoryFitSchema.nullable(),
});
export type ModelEntry = z.infer<typeof modelEntrySchema>;
