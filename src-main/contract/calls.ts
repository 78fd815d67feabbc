/**
 * Every call that the renderer and the command line may make of the host, with the schema of its input
 * and of its output, and the events that the host pushes. The three hosts bind the same services to it.
 */
import { z } from 'zod';
import { estimatorNameSchema } from './estimator.ts';
import { experimentSchema, runConfigSchema } from './experiment.ts';
import { judgeCacheSchema, judgeCheckSchema, keyCardSchema, keyNameSchema, rubricCardSchema } from './judge.ts';
import { decisionProcessSchema, laboratoryReportSchema, laboratorySettingsSchema } from './laboratory.ts';
import { judgeComponentSchema } from './reward-components.ts';
import { componentScoreSchema } from './reward.ts';
import { errorShapeSchema, finishReasonSchema, phaseSchema, sampleAnchorSchema, summarySchema } from './events.ts';

export const runStatusSchema = z.enum(['queued', 'running', 'stopping', 'stopped', 'done', 'failed']);
export type RunStatus = z.infer<typeof runStatusSchema>;

export const runRowSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  /** Groups the runs of one experiment (`vary`, several seeds). */
  experimentId: z.string(),
  status: runStatusSchema,
  estimator: z.string(),
  seed: z.int(),
  createdAt: z.number(),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  /** Last finished step, and steps in all. */
  step: z.int(),
  steps: z.int(),
  /** Newest mean training reward and held-out score. */
  reward: z.number().nullable(),
  score: z.number().nullable(),
  bestScore: z.number().nullable(),
  /** Seconds left, estimated from the last steps; null when not running. */
  secondsLeft: z.number().nullable(),
  phase: phaseSchema.nullable(),
  /** What the phase waits for or is at, in words; null when there is nothing to tell. */
  phaseDetail: z.string().nullable(),
  /** Mean reward over the run, at most 60 points. */
  sparkline: z.array(z.number()),
  error: errorShapeSchema.nullable(),
  deletedAt: z.number().nullable(),
});
export type RunRow = z.infer<typeof runRowSchema>;

export const evaluationRowSchema = z.strictObject({
  step: z.int(), score: z.number(), components: z.record(z.string(), z.number()), count: z.int(), seconds: z.number(), at: z.number(),
});
export const checkpointRowSchema = z.strictObject({
  step: z.int(), role: z.enum(['best', 'last']), path: z.string(), score: z.number().nullable(), at: z.number(),
});
export const logRowSchema = z.strictObject({ at: z.number(), level: z.enum(['info', 'warning', 'error']), message: z.string() });

export const runDetailSchema = runRowSchema.extend({
  config: runConfigSchema,
  /** What the trainer found when it started; null before. */
  facts: z
    .strictObject({
      family: z.string(), parameters: z.int(), modelHash: z.string(), trainRows: z.int(), evaluationRows: z.int(), droppedRows: z.int(),
      dataHash: z.string(), estimatedMemory: z.number(), device: z.string(),
    })
    .nullable(),
  summary: summarySchema.nullable(),
  directory: z.string(),
  evaluations: z.array(evaluationRowSchema),
  checkpoints: z.array(checkpointRowSchema),
  log: z.array(logRowSchema),
});
export type RunDetail = z.infer<typeof runDetailSchema>;

/** One metric as parallel arrays, in step order. */
export const seriesSchema = z.strictObject({ name: z.string(), steps: z.array(z.int()), values: z.array(z.number()) });
export type Series = z.infer<typeof seriesSchema>;

export const sampleRowSchema = z.strictObject({
  id: z.int(),
  runId: z.string(),
  step: z.int(),
  split: z.enum(['train', 'evaluation']),
  promptIndex: z.int(),
  sampleIndex: z.int(),
  prompt: z.string(),
  reference: z.string(),
  text: z.string(),
  finish: finishReasonSchema,
  tokens: z.int(),
  reward: z.number().nullable(),
  components: z.array(componentScoreSchema),
});
export type SampleRow = z.infer<typeof sampleRowSchema>;

/** A sample with its per-token numbers, as plain arrays. */
export const sampleDetailSchema = sampleRowSchema.extend({
  promptIds: z.array(z.int()),
  ids: z.array(z.int()),
  samplerLogprobs: z.array(z.number()),
  logprobs: z.array(z.number()).nullable(),
  advantages: z.array(z.number()).nullable(),
  entropies: z.array(z.number()).nullable(),
  referenceLogprobs: z.array(z.number()).nullable(),
  /** Where each answer token ends in `text`, in UTF-16 units; absent when the trainer did not say. */
  tokenEnds: z.array(z.int()).nullable().optional(),
  /** Places inside the answer whose value was estimated, with the continuations; null where the method has none. */
  anchors: z.array(sampleAnchorSchema).nullable().optional(),
});
export type SampleDetail = z.infer<typeof sampleDetailSchema>;

export const sampleFilterSchema = z.strictObject({
  runId: z.string(),
  step: z.int().optional(),
  split: z.enum(['train', 'evaluation']).optional(),
  finish: finishReasonSchema.optional(),
  minReward: z.number().optional(),
  maxReward: z.number().optional(),
  promptIndex: z.int().optional(),
  /** Full-text search in prompt and answer. */
  search: z.string().optional(),
  sort: z.enum(['newest', 'oldest', 'best', 'worst', 'longest']).default('newest'),
  offset: z.int().min(0).default(0),
  limit: z.int().min(1).max(1000).default(100),
});

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

export const dataPreviewSchema = z.strictObject({
  path: z.string(),
  columns: z.array(z.strictObject({ name: z.string(), type: z.string(), example: z.string() })),
  rows: z.array(z.record(z.string(), z.json())),
  /** Rows in the file; null when it was too large to count at once. */
  count: z.int().nullable(),
  guess: z.strictObject({ prompt: z.string().nullable(), answer: z.string().nullable() }),
});

export const memoryPlanSchema = z.strictObject({
  parts: z.array(z.strictObject({ name: z.string(), bytes: z.number() })),
  total: z.number(),
  available: z.number(),
  fits: z.boolean(),
});

export const hostInfoSchema = z.strictObject({
  version: z.string(), node: z.string(), platform: z.string(), cores: z.int(), memory: z.number(), freeMemory: z.number(),
  dataDirectory: z.string(), window: z.boolean(), device: z.string(),
});

/** A method as a person reads about it when choosing one. */
export const estimatorCardSchema = z.strictObject({
  name: estimatorNameSchema,
  title: z.string(),
  /** How it works, in one plain sentence; and when to choose it. */
  description: z.string(),
  choose: z.string(),
  /** What is generated for each question of a step, and what is held in memory. */
  generations: z.string(),
  memory: z.string(),
  /** Settings under `method` that belong to this method and few others. */
  settings: z.array(z.string()),
  /** What the method uses where a setting is left out, by setting. */
  defaults: z.record(z.string(), z.union([z.string(), z.number()])),
  /** False for methods that learn from a dataset and sample nothing. */
  samples: z.boolean(),
});
export type EstimatorCard = z.infer<typeof estimatorCardSchema>;

const nothing = z.strictObject({});
const runRef = z.strictObject({ runId: z.string() });

export const calls = {
  'app.info': { input: nothing, output: hostInfoSchema },
  'examples.list': {
    input: nothing,
    output: z.array(z.strictObject({ id: z.string(), title: z.string(), about: z.string(), experiment: experimentSchema })),
  },
  'experiments.parse': {
    /** Checks the text of an experiment file; errors name the nearest known field. */
    input: z.strictObject({ text: z.string(), directory: z.string().optional() }),
    output: experimentSchema,
  },
  'experiments.check': {
    /** Everything that can be known before the start: model, data, settings, memory. Throws what would make it fail. */
    input: z.strictObject({ experiment: experimentSchema }),
    output: z.strictObject({
      model: modelCardSchema, trainRows: z.int(), evaluationRows: z.int(), droppedRows: z.int(), memory: memoryPlanSchema,
      warnings: z.array(z.string()), runs: z.int(),
    }),
  },
  'experiments.start': { input: z.strictObject({ experiment: experimentSchema }), output: z.strictObject({ runIds: z.array(z.string()) }) },
  'estimators.list': { input: nothing, output: z.array(estimatorCardSchema) },
  'models.list': { input: nothing, output: z.array(modelCardSchema) },
  'models.inspect': { input: z.strictObject({ path: z.string() }), output: modelCardSchema },
  'data.preview': { input: z.strictObject({ path: z.string(), rows: z.int().min(1).max(200).default(20) }), output: dataPreviewSchema },
  'files.list': {
    /** Folders and files for the path picker; directories first. */
    input: z.strictObject({ path: z.string().optional() }),
    output: z.strictObject({
      path: z.string(), parent: z.string().nullable(),
      entries: z.array(z.strictObject({ name: z.string(), path: z.string(), directory: z.boolean(), size: z.number().nullable() })),
    }),
  },
  'runs.list': { input: z.strictObject({ deleted: z.boolean().default(false) }), output: z.array(runRowSchema) },
  'runs.get': { input: runRef, output: runDetailSchema },
  'runs.metrics': { input: runRef.extend({ names: z.array(z.string()).optional() }), output: z.array(seriesSchema) },
  'runs.stop': { input: runRef, output: nothing },
  'runs.resume': { input: runRef, output: nothing },
  'runs.rename': { input: runRef.extend({ name: z.string().min(1).max(200) }), output: nothing },
  /** Deleting can be undone by `runs.restore` until the application cleans up at its next start. */
  'runs.delete': { input: runRef, output: nothing },
  'runs.restore': { input: runRef, output: nothing },
  'samples.list': { input: sampleFilterSchema, output: z.strictObject({ rows: z.array(sampleRowSchema), total: z.int() }) },
  'samples.get': { input: z.strictObject({ id: z.int() }), output: sampleDetailSchema },
  'samples.steps': { input: runRef, output: z.array(z.int()) },
  /** Rubrics that ship; `builtin:ID` stands for one in an experiment. */
  'judge.rubrics': { input: nothing, output: z.array(rubricCardSchema) },
  /** Whether a judge could be used now: address, key, model. */
  'judge.check': { input: z.strictObject({ component: judgeComponentSchema }), output: judgeCheckSchema },
  /** Keys by name, and where they are kept; the keys themselves are never told. */
  'judge.keys': { input: nothing, output: z.array(keyCardSchema) },
  'judge.setKey': { input: z.strictObject({ name: keyNameSchema, key: z.string().min(1) }), output: keyCardSchema },
  'judge.removeKey': { input: z.strictObject({ name: z.string() }), output: nothing },
  /** Judgements that are kept so that they are not asked for again. */
  'judge.cache': { input: nothing, output: judgeCacheSchema },
  /** Forgets those that are older than so many days, or all. */
  'judge.clearCache': { input: z.strictObject({ olderThanDays: z.number().min(0).default(0) }), output: z.strictObject({ removed: z.int() }) },
  /** Decision processes that ship with the laboratory; the first is the default. */
  'lab.processes': {
    input: nothing,
    output: z.array(z.strictObject({ id: z.string(), title: z.string(), about: z.string(), process: decisionProcessSchema })),
  },
  /** Exact mean and spread of every estimator on a small decision process, and the theorem on it. */
  'lab.examine': {
    input: z.strictObject({
      process: decisionProcessSchema,
      settings: laboratorySettingsSchema.prefault({}),
      /** Rows by id, method or family; all where absent. */
      estimators: z.array(z.string()).optional(),
    }),
    output: laboratoryReportSchema,
  },
  /** The same as a picture with this title (SVG). */
  'lab.picture': {
    input: z.strictObject({ process: decisionProcessSchema, settings: laboratorySettingsSchema.prefault({}), title: z.string().max(200) }),
    output: z.strictObject({ svg: z.string() }),
  },
} as const;

export type CallName = keyof typeof calls;
export type CallInput<N extends CallName> = z.input<(typeof calls)[N]['input']>;
export type CallOutput<N extends CallName> = z.output<(typeof calls)[N]['output']>;

/** Answer of every call across a process or the network. */
export const callResultSchema = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.unknown() }),
  z.strictObject({ ok: z.literal(false), error: errorShapeSchema }),
]);

/** What the host pushes, at most ten times a second for each run; `since` of a series lets a client append. */
export const hostEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('run'), run: runRowSchema }),
  z.strictObject({ type: z.literal('metrics'), runId: z.string(), series: z.array(seriesSchema) }),
  z.strictObject({ type: z.literal('evaluation'), runId: z.string(), evaluation: evaluationRowSchema }),
  z.strictObject({ type: z.literal('checkpoint'), runId: z.string(), checkpoint: checkpointRowSchema }),
  /** Newest answers of a step (the best and worst few); all of them are in the store. */
  z.strictObject({ type: z.literal('samples'), runId: z.string(), step: z.int(), samples: z.array(sampleRowSchema) }),
  z.strictObject({ type: z.literal('log'), runId: z.string(), entry: logRowSchema }),
]);
export type HostEvent = z.infer<typeof hostEventSchema>;
