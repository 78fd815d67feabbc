/** A measurement of estimators on a user's model as a job: what it is of, how far it is, and what came out. */
import { z } from 'zod';
import { errorShapeSchema } from './events.ts';
import { sampledOptionsSchema, sampledReportSchema } from './laboratory.ts';

export const sampledJobSchema = z.strictObject({
  id: z.string(),
  /** What it is of: name of the experiment, its model, and the settings it was started with. */
  title: z.string(),
  model: z.string(),
  options: sampledOptionsSchema,
  status: z.enum(['running', 'stopping', 'done', 'cancelled', 'failed']),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  /** What it does now, in words; null when it has ended. */
  detail: z.string().nullable(),
  /** Answers that are measured, and answers in all. */
  done: z.int(),
  total: z.int(),
  /** Seconds left at the pace so far; null while that is not known. */
  secondsLeft: z.number().nullable(),
  /** Present when it is done, and where it was cancelled with enough answers to compare. */
  report: sampledReportSchema.nullable(),
  error: errorShapeSchema.nullable(),
});
export type SampledJob = z.infer<typeof sampledJobSchema>;

/** A method as the laboratory measures it on a model. */
export const measurableMethodSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  /** Why it cannot be measured; null where it can. */
  reason: z.string().nullable(),
  /** What it costs beside the answers that all methods share; null: nothing. */
  extra: z.string().nullable(),
});
export type MeasurableMethod = z.infer<typeof measurableMethodSchema>;
