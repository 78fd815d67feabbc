/** Long work of the host beside runs, as a window shows it: fetching from the Hub, importing a dataset, tokenising one. */
import { z } from 'zod';
import { errorShapeSchema } from './events.ts';

export const jobStateSchema = z.enum(['running', 'paused', 'done', 'failed', 'cancelled']);
export type JobState = z.infer<typeof jobStateSchema>;

/** What a job left behind. */
export const jobResultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('fetch'),
    /** Folder of the model, or of the snapshot of the dataset. */
    path: z.string(),
    commit: z.string(),
    files: z.int(),
    bytes: z.number(),
    /** Datasets of the library that were made from it, one for each split. */
    datasets: z.array(z.string()),
  }),
  z.strictObject({
    kind: z.literal('import'),
    /** One for each part (split) of what was imported. */
    datasets: z.array(
      z.strictObject({
        datasetId: z.string(),
        version: z.string(),
        /** False where the library held this very content already. */
        isNew: z.boolean(),
      }),
    ),
  }),
  /** Its report is read by `data.tokenizedReport`. */
  z.strictObject({ kind: z.literal('tokenize') }),
  /** Its report is read by `rewards.benchReport`. */
  z.strictObject({ kind: z.literal('bench') }),
  /** Its report is read by `rewards.rescoreReport`. */
  z.strictObject({ kind: z.literal('rescore') }),
]);
export type JobResult = z.infer<typeof jobResultSchema>;

export const jobSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['fetch', 'import', 'tokenize', 'bench', 'rescore']),
  title: z.string(),
  state: jobStateSchema,
  /** What it does now, in words. */
  detail: z.string(),
  /** How much of the total is done; the total is null while it is not known. */
  done: z.number(),
  total: z.number().nullable(),
  unit: z.enum(['bytes', 'rows', 'percent']),
  /** Units a second over the last seconds, and seconds left at that pace; null where not known. */
  rate: z.number().nullable(),
  secondsLeft: z.number().nullable(),
  /** Whether it can be paused and goes on later where it was. */
  canPause: z.boolean(),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  result: jobResultSchema.nullable(),
  error: errorShapeSchema.nullable(),
});
export type Job = z.infer<typeof jobSchema>;
