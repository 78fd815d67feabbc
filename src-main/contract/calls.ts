/**
 * Every call that the renderer and the command line may make of the host, with the schema of its input
 * and of its output, and the events that the host pushes. The three hosts bind the same services to it.
 */
import { z } from 'zod';
import {
  datasetDetailSchema, datasetMappingSchema, datasetPageSchema, datasetRowSchema, learnsSchema, tokenizedReportSchema,
} from './datasets.ts';
import { estimatorNameSchema } from './estimator.ts';
import { budgetSchema, dataSchema, experimentSchema, modelSchema, runConfigSchema } from './experiment.ts';
import { hubDescriptionSchema, hubRequestSchema } from './hub.ts';
import { jobSchema } from './jobs.ts';
import { decisionProcessSchema, laboratoryReportSchema, laboratorySettingsSchema, sampledOptionsSchema } from './laboratory.ts';
import { modelCardSchema, modelEntrySchema, modelSourceSchema } from './model-library.ts';
import { benchSourceSchema, keptRewardSchema, rescoreReportSchema, rewardBenchReportSchema } from './reward-bench.ts';
import { componentScoreSchema, rewardSchema } from './reward.ts';
import { measurableMethodSchema, sampledJobSchema } from './sampled-job.ts';
import { judgeCacheSchema, judgeCheckSchema, keyCardSchema, keyNameSchema, rubricCardSchema } from './judge.ts';
import { judgeDraftSchema } from './reward-components.ts';
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

export const dataPreviewSchema = z.strictObject({
  path: z.string(),
  columns: z.array(
    z.strictObject({
      name: z.string(),
      /** text, number, number as text, yes/no, time, list, conversation, object, mixed or empty. */
      type: z.string(),
      example: z.string(),
      /** Share (0 to 1) of the rows looked at that have no value in it. */
      missing: z.number(),
      /** Names of the classes whose numbers it holds, where the file says them. */
      classes: z.array(z.string()).optional(),
    }),
  ),
  rows: z.array(z.record(z.string(), z.json())),
  /** Rows in the file or part; null when it was too large to count at once. */
  count: z.int().nullable(),
  /** Paths of all parts (splits, with their configuration) of a folder, to read instead; empty for a file. */
  parts: z.array(z.string()),
  warnings: z.array(z.string()),
  /** What the columns seem to be, by name and content; null where none does. For the user to confirm. */
  guess: z.strictObject({
    prompt: z.string().nullable(),
    answer: z.string().nullable(),
    system: z.string().nullable(),
    messages: z.string().nullable(),
    chosen: z.string().nullable(),
    rejected: z.string().nullable(),
    label: z.string().nullable(),
    /** A template for `data.prompt` where the question takes two columns. */
    template: z.string().nullable(),
  }),
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
  /** What a row of the data must hold: a question; with its right answer; with a better and a worse answer; or with judged answers. */
  data: z.enum(['questions', 'answers', 'pairs', 'verdicts']),
});
export type EstimatorCard = z.infer<typeof estimatorCardSchema>;

/** What one step of a run samples. */
export const stepCostSchema = z.strictObject({
  answers: z.int(),
  /** Greedy answers that others are compared with. */
  greedy: z.int(),
  /** Continuations from places inside answers, where every answer is as long as it may be; null: as many as the answers have lines. */
  continuations: z.number().nullable(),
  /** Tokens of all of them, where every answer is as long as it may be; null as above. */
  tokens: z.number().nullable(),
});
export type StepCost = z.infer<typeof stepCostSchema>;

const nothing = z.strictObject({});
const runRef = z.strictObject({ runId: z.string() });
const jobRef = z.strictObject({ jobId: z.string() });
const datasetRef = z.strictObject({ datasetId: z.string() });

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
  /** The experiment of a file on the computer of the host; its paths come out absolute. */
  'experiments.read': { input: z.strictObject({ path: z.string().min(1) }), output: experimentSchema },
  'experiments.check': {
    /** Everything that can be known before the start: model, data, settings, memory. Throws what would make it fail. */
    input: z.strictObject({ experiment: experimentSchema }),
    output: z.strictObject({
      model: modelCardSchema, trainRows: z.int(), evaluationRows: z.int(), droppedRows: z.int(), memory: memoryPlanSchema,
      warnings: z.array(z.string()), runs: z.int(), cost: stepCostSchema,
    }),
  },
  'experiments.start': { input: z.strictObject({ experiment: experimentSchema }), output: z.strictObject({ runIds: z.array(z.string()) }) },
  'estimators.list': { input: nothing, output: z.array(estimatorCardSchema) },
  /** What is on this computer, usable or not; only the named sources where given, and further folders. */
  'models.list': { input: z.strictObject({ sources: z.array(modelSourceSchema).optional(), folders: z.array(z.string()).default([]) }), output: z.array(modelEntrySchema) },
  /** Folders in which models are looked for, beside the usual places. */
  'models.folders': { input: nothing, output: z.array(z.string()) },
  'models.addFolder': { input: z.strictObject({ path: z.string().min(1) }), output: nothing },
  'models.removeFolder': { input: z.strictObject({ path: z.string().min(1) }), output: nothing },
  'models.inspect': { input: z.strictObject({ path: z.string() }), output: modelCardSchema },
  'data.preview': { input: z.strictObject({ path: z.string(), rows: z.int().min(1).max(200).default(20) }), output: dataPreviewSchema },
  /** How a model reads the rows of a data file: starts a job; its report is kept until Espalier ends. */
  'data.tokenized': {
    input: z.strictObject({
      model: modelSchema,
      data: dataSchema,
      maxPromptTokens: budgetSchema.shape.maxPromptTokens,
      maxTokens: budgetSchema.shape.maxTokens,
      /** Rows that are shown token by token. */
      rows: z.int().min(0).max(100).default(5),
      /** What is learnt from: rewards of answers, right answers, or pairs of answers; the latter count against their limit. */
      learns: learnsSchema.default('rewards'),
      seed: z.int().min(0).default(0),
    }),
    output: jobRef,
  },
  'data.tokenizedReport': { input: jobRef, output: tokenizedReportSchema },
  'datasets.list': { input: z.strictObject({ deleted: z.boolean().default(false) }), output: z.array(datasetRowSchema) },
  'datasets.get': { input: datasetRef, output: datasetDetailSchema },
  /** Reads a file (or a folder) whole, in a job, and records it; with `datasetId` as a new version of that dataset. */
  'datasets.import': {
    input: z.strictObject({
      path: z.string().min(1),
      name: z.string().min(1).max(200).optional(),
      datasetId: z.string().optional(),
      /** Keeps a copy in the data directory, so that later changes of the file do no harm. */
      keepCopy: z.boolean().default(false),
    }),
    output: jobRef,
  },
  'datasets.rows': {
    input: datasetRef.extend({
      version: z.string().optional(),
      offset: z.int().min(0).default(0),
      limit: z.int().min(1).max(500).default(50),
      /** Only rows that hold this text, in any case of letters. */
      search: z.string().max(1000).optional(),
    }),
    output: datasetPageSchema,
  },
  'datasets.rename': { input: datasetRef.extend({ name: z.string().min(1).max(200) }), output: nothing },
  'datasets.mapping': { input: datasetRef.extend({ mapping: datasetMappingSchema.nullable() }), output: nothing },
  /** The files stay; it can be undone by `datasets.restore` until the application cleans up at its next start. */
  'datasets.remove': { input: datasetRef, output: nothing },
  'datasets.restore': { input: datasetRef, output: nothing },
  /** What a repository of the Hugging Face Hub holds and needs. Only this and `hub.fetch` ever ask the Hub. */
  'hub.describe': { input: hubRequestSchema, output: hubDescriptionSchema },
  /** Fetches it into the Hugging Face cache, in a job; a dataset is then imported. */
  'hub.fetch': { input: hubRequestSchema, output: jobRef },
  /** Jobs of this start of the application, newest first. */
  'jobs.list': { input: nothing, output: z.array(jobSchema) },
  'jobs.pause': { input: jobRef, output: nothing },
  'jobs.resume': { input: jobRef, output: nothing },
  'jobs.cancel': { input: jobRef, output: nothing },
  /** Rewards that the user keeps. */
  'rewards.list': { input: z.strictObject({ deleted: z.boolean().default(false) }), output: z.array(keptRewardSchema) },
  /** Keeps a reward; with `id` in place of the one that has it. */
  'rewards.save': {
    input: z.strictObject({ id: z.string().optional(), name: z.string().min(1).max(200), reward: rewardSchema }),
    output: z.strictObject({ id: z.string() }),
  },
  /** It can be undone by `rewards.restore` until the application cleans up at its next start. */
  'rewards.remove': { input: z.strictObject({ id: z.string() }), output: nothing },
  'rewards.restore': { input: z.strictObject({ id: z.string() }), output: nothing },
  /** Grades answers, and planted cheats, without training: starts a job; its report is kept until Espalier ends. */
  'rewards.bench': {
    input: z.strictObject({ reward: rewardSchema, source: benchSourceSchema, planted: z.boolean().default(true) }),
    output: jobRef,
  },
  'rewards.benchReport': { input: jobRef, output: rewardBenchReportSchema },
  /** Grades the stored training answers of a run by another reward: starts a job. At most `limit`, evenly from all steps. */
  'rewards.rescore': {
    input: runRef.extend({ reward: rewardSchema, limit: z.int().min(1).max(100_000).default(20_000) }),
    output: jobRef,
  },
  'rewards.rescoreReport': { input: jobRef, output: rescoreReportSchema },
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
  /** Whether a judge could be used now: address, key, model. Model and rubric may still be open. */
  'judge.check': { input: z.strictObject({ component: judgeDraftSchema }), output: judgeCheckSchema },
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
  /** Every method, and whether it can be measured on a model. */
  'lab.methods': { input: nothing, output: z.array(measurableMethodSchema) },
  /** How long a measurement would take here, from a few answers that are measured now. */
  'lab.estimate': {
    input: z.strictObject({ experiment: experimentSchema, options: sampledOptionsSchema.prefault({}) }),
    output: z.strictObject({ seconds: z.number() }),
  },
  /** Measures methods on the model, questions and reward of an experiment (its first run). One measurement at a time. */
  'lab.start': {
    input: z.strictObject({ experiment: experimentSchema, options: sampledOptionsSchema.prefault({}) }),
    output: sampledJobSchema,
  },
  /** The measurement at work, or the last one of this host; null where there was none. */
  'lab.status': { input: nothing, output: z.strictObject({ job: sampledJobSchema.nullable() }) },
  /** Ends the measurement at work; what was measured up to there is kept where it suffices. */
  'lab.cancel': { input: nothing, output: z.strictObject({ job: sampledJobSchema.nullable() }) },
  /** The report of the last measurement as a picture (SVG). */
  'lab.sampledPicture': { input: nothing, output: z.strictObject({ svg: z.string() }) },
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
  /** A measurement of the laboratory went on or ended. */
  z.strictObject({ type: z.literal('laboratory'), job: sampledJobSchema }),
  z.strictObject({ type: z.literal('job'), job: jobSchema }),
  /** A dataset was imported, changed, removed or restored. */
  z.strictObject({ type: z.literal('datasets') }),
]);
export type HostEvent = z.infer<typeof hostEventSchema>;
