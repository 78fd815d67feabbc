/** Reading rows of `runs` and of what belongs to a run, checked column by column. */
import { z } from 'zod';
import {
  checkpointRowSchema,
  evaluationRowSchema,
  logRowSchema,
  runDetailSchema,
  runStatusSchema,
} from '../contract/calls.ts';
import { errorShapeSchema, phaseSchema, summarySchema } from '../contract/events.ts';
import { runConfigSchema, type RunConfig } from '../contract/experiment.ts';
import { jsonColumn } from './json-column.ts';

export const runFactsSchema = runDetailSchema.shape.facts.unwrap();
/** What the trainer found when it started. */
export type RunFacts = z.infer<typeof runFactsSchema>;

/** A run as it is stored; times in milliseconds since 1970. */
export interface StoredRun {
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly status: z.infer<typeof runStatusSchema>;
  readonly estimator: string;
  readonly seed: number;
  readonly createdAt: number;
  readonly queuedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly step: number;
  readonly steps: number;
  readonly reward: number | null;
  readonly score: number | null;
  readonly bestScore: number | null;
  readonly phase: z.infer<typeof phaseSchema> | null;
  readonly sparkline: readonly number[];
  readonly error: z.infer<typeof errorShapeSchema> | null;
  readonly deletedAt: number | null;
}

/** The columns that `storedRunSchema` reads: all but the large ones. */
export const runColumns = `id, experiment_id, name, status, estimator, seed, created_at, queued_at, started_at, ended_at,
  step, steps, reward, score, best_score, phase, sparkline, error, deleted_at`;

export const storedRunSchema = z
  .object({
    id: z.string(),
    experiment_id: z.string(),
    name: z.string(),
    status: runStatusSchema,
    estimator: z.string(),
    seed: z.int(),
    created_at: z.number(),
    queued_at: z.number(),
    started_at: z.number().nullable(),
    ended_at: z.number().nullable(),
    step: z.int(),
    steps: z.int(),
    reward: z.number().nullable(),
    score: z.number().nullable(),
    best_score: z.number().nullable(),
    phase: phaseSchema.nullable(),
    sparkline: jsonColumn(z.array(z.number())),
    error: jsonColumn(errorShapeSchema).nullable(),
    deleted_at: z.number().nullable(),
  })
  .transform((row): StoredRun => ({
    id: row.id,
    experimentId: row.experiment_id,
    name: row.name,
    status: row.status,
    estimator: row.estimator,
    seed: row.seed,
    createdAt: row.created_at,
    queuedAt: row.queued_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    step: row.step,
    steps: row.steps,
    reward: row.reward,
    score: row.score,
    bestScore: row.best_score,
    phase: row.phase,
    sparkline: row.sparkline,
    error: row.error,
    deletedAt: row.deleted_at,
  }));

/** The large columns of a run. */
export interface StoredRunMore {
  readonly config: RunConfig;
  readonly facts: RunFacts | null;
  readonly summary: z.infer<typeof summarySchema> | null;
}

export const storedRunMoreSchema = z.object({
  config: jsonColumn(runConfigSchema),
  facts: jsonColumn(runFactsSchema).nullable(),
  summary: jsonColumn(summarySchema).nullable(),
});

export const storedEvaluationSchema = evaluationRowSchema.extend({
  components: jsonColumn(evaluationRowSchema.shape.components),
});
export const storedCheckpointSchema = checkpointRowSchema;
export const storedLogSchema = logRowSchema;
export type EvaluationRow = z.infer<typeof evaluationRowSchema>;
export type CheckpointRow = z.infer<typeof checkpointRowSchema>;
export type LogRow = z.infer<typeof logRowSchema>;
