/** What a trainer process tells its host while it works, and what the host may tell it. */
import { z } from 'zod';
import { learnsSchema, tokenizedReportSchema } from './datasets.ts';
import { budgetSchema, dataSchema, methodSchema, modelSchema, runConfigSchema } from './experiment.ts';
import { finishReasonSchema } from './finish-reason.ts';
import { answerLookSchema } from './laboratory.ts';
import { benchAnswerSchema, gradedAnswerSchema } from './reward-bench.ts';
import { judgeComponentSchema } from './reward-components.ts';
import { rewardSchema, rewardScoreSchema } from './reward.ts';

export { finishReasonSchema };
export type { FinishReason } from './finish-reason.ts';

const float32: z.ZodType<Float32Array> = z.instanceof(Float32Array);
const int32: z.ZodType<Int32Array> = z.instanceof(Int32Array);

/** A place inside an answer from which fresh ends were sampled to see what is to be expected there. */
export const sampleAnchorSchema = z.strictObject({
  /** Tokens of the answer before the place. */
  position: z.int().min(0),
  /** Mean reward of the continuations that could be graded; null where none could. */
  value: z.number().nullable(),
  continuations: z.array(
    z.strictObject({ text: z.string(), reward: z.number().nullable(), tokens: z.int().min(0) }),
  ),
});
export type SampleAnchor = z.infer<typeof sampleAnchorSchema>;

/** One sampled answer with everything that is stored about it. Per-token arrays have one entry for each answer token. */
export const sampleSchema = z.strictObject({
  split: z.enum(['train', 'evaluation']),
  /** Index of the question in its data set, and of the answer in its group. */
  promptIndex: z.int().min(0),
  sampleIndex: z.int().min(0),
  prompt: z.string(),
  reference: z.string(),
  promptIds: int32,
  ids: int32,
  text: z.string(),
  finish: finishReasonSchema,
  reward: rewardScoreSchema,
  /** Log-probability under the sampler when the token was drawn. */
  samplerLogprobs: float32,
  /** Log-probability under the learner before the update; absent for evaluation answers. */
  logprobs: float32.optional(),
  advantages: float32.optional(),
  entropies: float32.optional(),
  referenceLogprobs: float32.optional(),
  /** Where each answer token ends in `text`, in UTF-16 units, rising; lets the window paint tokens. */
  tokenEnds: int32.optional(),
  /** Values inside the answer, in rising order of position (VinePPO, TRePO). */
  anchors: z.array(sampleAnchorSchema).optional(),
});
export type Sample = z.infer<typeof sampleSchema>;

/** `waiting`: for something outside that does not answer, such as a judge; the detail says what for. */
export const phaseSchema = z.enum([
  'loading',
  'compiling',
  'preflight',
  'evaluating',
  'training',
  'grading',
  'waiting',
  'saving',
  'stopping',
]);
export type Phase = z.infer<typeof phaseSchema>;

export const summarySchema = z.strictObject({
  /** Held-out score (mean reward, greedy) at the start, at the end and at the best checkpoint; null without evaluation. */
  before: z.number().nullable(),
  after: z.number().nullable(),
  best: z.number().nullable(),
  bestStep: z.int().nullable(),
  steps: z.int(),
  /** Answers sampled for training, and tokens generated for them. */
  answers: z.int(),
  generatedTokens: z.int(),
  seconds: z.number(),
  generatedTokensPerSecond: z.number(),
  /** Peak resident memory of the trainer, bytes. */
  peakMemory: z.number(),
});
export type RunSummary = z.infer<typeof summarySchema>;

/** An error as it crosses processes: what happened, where, what to do. */
export const errorShapeSchema = z.strictObject({
  /** user: a mistake in the input; cancelled; environment: disk, memory, missing file; bug: ours. */
  kind: z.enum(['user', 'cancelled', 'environment', 'bug']),
  code: z.string(),
  message: z.string(),
  where: z.string().optional(),
  advice: z.string().optional(),
  details: z.string().optional(),
});
export type ErrorShape = z.infer<typeof errorShapeSchema>;

/** A row that `generate` continues: text (the chat template is applied where wanted) or token ids, taken as they are. */
export const generateRowSchema = z.union([
  z.strictObject({ prompt: z.string() }),
  z.strictObject({ ids: z.array(z.int().min(0)).min(1) }),
]);
export type GenerateRow = z.infer<typeof generateRowSchema>;

/**
 * A row that `score` reads: a prompt with its response, or token ids of which the first `promptLength` are the prompt (a
 * reward model needs no `promptLength`: it reads the whole text).
 */
export const scoreRowSchema = z.union([
  z.strictObject({ prompt: z.string(), response: z.string() }),
  z.strictObject({ ids: z.array(z.int().min(0)).min(1), promptLength: z.int().min(1).optional() }),
]);
export type ScoreRow = z.infer<typeof scoreRowSchema>;

/** An answer that a judge is asked about; of its row only the columns that the judge is told. */
export const judgeItemSchema = z.strictObject({
  prompt: z.string(),
  response: z.string(),
  reference: z.string(),
  row: z.record(z.string(), z.json()),
});

export const trainerEventSchema = z.discriminatedUnion('type', [
  /** What the process is at. `done`: share of the phase, or of the part of it that `detail` names, that is finished. */
  z.strictObject({
    type: z.literal('phase'),
    phase: phaseSchema,
    detail: z.string().optional(),
    done: z.number().min(0).max(1).optional(),
  }),
  /** Facts known once the model and data are read; stored with the run. */
  z.strictObject({
    type: z.literal('ready'),
    model: z.strictObject({ family: z.string(), parameters: z.int(), hash: z.string() }),
    data: z.strictObject({
      trainRows: z.int(),
      evaluationRows: z.int(),
      droppedRows: z.int(),
      hash: z.string(),
    }),
    estimatedMemory: z.number(),
    device: z.string(),
    /** Steps that are done already: 0, or those of the checkpoint. What was stored of later steps is void: they are done again. */
    fromStep: z.int(),
  }),
  /** One optimizer step (numbered from 1) with all its metrics; names in docs/metrics.md. */
  z.strictObject({ type: z.literal('step'), step: z.int(), metrics: z.record(z.string(), z.number()) }),
  z.strictObject({ type: z.literal('samples'), step: z.int(), samples: z.array(sampleSchema) }),
  z.strictObject({
    type: z.literal('evaluation'),
    step: z.int(),
    /** Mean reward of greedy answers to the held-out questions, and mean by component. */
    score: z.number(),
    components: z.record(z.string(), z.number()),
    count: z.int(),
    seconds: z.number(),
  }),
  z.strictObject({
    type: z.literal('checkpoint'),
    step: z.int(),
    role: z.enum(['best', 'last']),
    path: z.string(),
    score: z.number().nullable(),
  }),
  z.strictObject({
    type: z.literal('log'),
    level: z.enum(['info', 'warning', 'error']),
    message: z.string(),
  }),
  z.strictObject({ type: z.literal('end'), status: z.enum(['done', 'stopped']), summary: summarySchema }),
  /** One answer of a `generate` job: row and answer number, both from 0; sent in the order of rows. */
  z.strictObject({
    type: z.literal('generated'),
    row: z.int().min(0),
    answer: z.int().min(0),
    promptIds: int32,
    /** Tokens of the answer, the stop token included, and the log-probability of each as it was sampled. */
    ids: int32,
    logprobs: float32,
    text: z.string(),
    finish: finishReasonSchema,
  }),
  /** One row of a `score` job: log-probability and entropy (nats) of every response token; sent in the order of rows. */
  z.strictObject({
    type: z.literal('scored'),
    row: z.int().min(0),
    ids: int32,
    logprobs: float32,
    entropies: float32,
  }),
  /** One row of a `score` job on a reward model; sent in the order of rows. */
  z.strictObject({
    type: z.literal('model-score'),
    row: z.int().min(0),
    score: z.number(),
    tokens: z.int().min(1),
  }),
  /** Reward of the greedy answer to a question of a `lab` job; it comes before the answers to that question. */
  z.strictObject({
    type: z.literal('lab-question'),
    question: z.int().min(0),
    prompt: z.string(),
    greedyReward: z.number().nullable(),
    greedyTokens: z.int(),
  }),
  /** One answer of a `lab` job: its reward, and the gradient of its log-probability along the random directions. */
  z.strictObject({
    type: z.literal('projected'),
    question: z.int().min(0),
    answer: z.int().min(0),
    reward: z.number().nullable(),
    tokens: z.int().min(1),
    finish: finishReasonSchema,
    projection: float32,
    /** The same for each method that looks into answers, weighed by its advantages. */
    looks: z.array(answerLookSchema),
  }),
  /** Report of a `tokenize` job. */
  z.strictObject({ type: z.literal('tokenized'), report: tokenizedReportSchema }),
  /** A `generate`, `score`, `lab` or `tokenize` job is complete (or was stopped: then `rows` is fewer than asked for). */
  z.strictObject({
    type: z.literal('job-end'),
    status: z.enum(['done', 'stopped']),
    rows: z.int(),
    tokens: z.int(),
    seconds: z.number(),
  }),
  /** Answers of a `grade` or `preflight` job with what the reward says of them; planted ones come last. */
  z.strictObject({ type: z.literal('graded'), answers: z.array(gradedAnswerSchema) }),
  /** Seconds that the graders of such a job took, one number for each component. */
  z.strictObject({ type: z.literal('grade-seconds'), components: z.array(z.number()) }),
  /** Asks the host for judgements of answers; it replies with a `judge-reply` of the same id. */
  z.strictObject({
    type: z.literal('judge-request'),
    id: z.int().min(0),
    component: judgeComponentSchema,
    items: z.array(judgeItemSchema),
  }),
  /** What functions of such a job printed, the first lines of all. */
  z.strictObject({ type: z.literal('printed'), lines: z.array(z.string()) }),
  z.strictObject({ type: z.literal('failed'), error: errorShapeSchema, summary: summarySchema.nullable() }),
]);
export type TrainerEvent = z.infer<typeof trainerEventSchema>;

/** What the host sends to a trainer process: one command, then replies to its requests and at most a `stop`. */
export const trainerCommandSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('train'),
    config: runConfigSchema,
    /** Folder of this run: checkpoints are written below it. */
    runDirectory: z.string(),
    /** Checkpoint folder to go on from. */
    resumeFrom: z.string().nullable(),
  }),
  /** Jobs without a run, for the command line and the playground. The process does one command and ends. */
  z.strictObject({
    type: z.literal('generate'),
    model: modelSchema,
    rows: z.array(generateRowSchema).min(1),
    maxTokens: z.int().min(1),
    /** 0: greedy. */
    temperature: z.number().min(0),
    topP: z.number().gt(0).max(1),
    /** 0: off. */
    topK: z.int().min(0),
    seed: z.int().min(0),
    /** Answers for each row. */
    answers: z.int().min(1),
  }),
  z.strictObject({
    type: z.literal('score'),
    model: modelSchema,
    rows: z.array(scoreRowSchema).min(1),
    temperature: z.number().positive(),
  }),
  /** Samples answers to questions of an experiment and measures the gradient of each: for the laboratory. */
  z.strictObject({
    type: z.literal('lab'),
    config: runConfigSchema,
    questions: z.int().min(1),
    /** Answers sampled for each question, and how many of them make a group. */
    answers: z.int().min(2),
    groupSize: z.int().min(2),
    /** Methods that weigh the tokens of an answer differently: by continuations, or by the critic that `config` asks for. */
    looks: z.array(methodSchema),
    /** Random directions that gradients are measured along. */
    directions: z.int().min(8).max(65_536),
  }),
  /** Grades answers without a run: for the reward bench and for runs that are graded anew. */
  z.strictObject({
    type: z.literal('grade'),
    reward: rewardSchema,
    answers: z.array(benchAnswerSchema).min(1),
    /** Whether cheats for the same questions are graded too. */
    planted: z.boolean(),
    /** Most tokens that an answer could have; null where nobody knows. */
    maxTokens: z.int().min(1).nullable(),
  }),
  /** Asks a few training questions of an experiment and grades the answers, as the first step of a run would. */
  z.strictObject({
    type: z.literal('preflight'),
    config: runConfigSchema,
    questions: z.int().min(1),
    planted: z.boolean(),
  }),
  /** Reads data as a run would, and tells how the model sees it. */
  z.strictObject({
    type: z.literal('tokenize'),
    model: modelSchema,
    data: dataSchema,
    maxPromptTokens: budgetSchema.shape.maxPromptTokens,
    maxTokens: budgetSchema.shape.maxTokens,
    /** Rows that are shown token by token. */
    rows: z.int().min(0),
    /** What is learnt from: rewards of answers, right answers, or pairs of answers. */
    learns: learnsSchema,
    seed: z.int().min(0),
  }),
  /** What became of a `judge-request`: one outcome for each item in their order, and figures about the judging; or why there are none. */
  z.strictObject({
    type: z.literal('judge-reply'),
    id: z.int().min(0),
    result: z.union([
      z.strictObject({
        outcomes: z.array(z.strictObject({ value: z.number().nullable(), reason: z.string() })),
        counts: z.record(z.string(), z.number()),
      }),
      z.strictObject({ error: errorShapeSchema }),
    ]),
  }),
  /** Ends a run after the present step, with a checkpoint; ends a job after the present batch. */
  z.strictObject({ type: z.literal('stop') }),
]);
export type TrainerCommand = z.infer<typeof trainerCommandSchema>;
