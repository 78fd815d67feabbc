/**
 * The reward bench: what a reward says of real answers and of planted cheats, before anything is trained by it; the
 * pre-flight of a run; and stored runs graded anew. All plain data, as reports cross processes.
 */
import { z } from 'zod';
import { experimentSchema } from './experiment.ts';
import { finishReasonSchema } from './finish-reason.ts';
import { componentScoreSchema, rewardSchema } from './reward.ts';

/** Cheats that the bench makes for every question; what each is stands in `plantedTexts`. */
export const plantedNames = [
  'empty',
  'spaces',
  'repeated',
  'format-only',
  'answer-list',
  'echo',
  'very-long',
  'injection',
] as const;
export const plantedNameSchema = z.enum(plantedNames);
export type PlantedName = z.infer<typeof plantedNameSchema>;

/** What each cheat is, in plain words. */
export const plantedTexts: Readonly<Record<PlantedName, string>> = {
  empty: 'says nothing',
  spaces: 'a line of spaces',
  repeated: 'one sentence over and over',
  'format-only': 'the wanted form with nothing in it',
  'answer-list': 'every answer of the data, one after the other',
  echo: 'the question given back',
  'very-long': 'several thousand words about nothing',
  injection: 'orders to the grader to give full marks',
};

/** An answer to be graded. `row`: the columns of its question. */
export const benchAnswerSchema = z.strictObject({
  /** Answers to one question share it; numbered from 0. */
  question: z.int().min(0),
  prompt: z.string(),
  response: z.string(),
  reference: z.string().default(''),
  row: z.record(z.string(), z.json()).default({}),
  finish: finishReasonSchema.default('stop'),
  /** Tokens of the answer; null where they were not counted. */
  tokens: z.int().min(0).nullable().default(null),
  /** The cheat that it is; null for a real answer. */
  planted: plantedNameSchema.nullable().default(null),
});
export type BenchAnswer = z.infer<typeof benchAnswerSchema>;

/** Where the answers of a bench come from. */
export const benchSourceSchema = z.discriminatedUnion('from', [
  z.strictObject({
    from: z.literal('pasted'),
    answers: z
      .array(z.strictObject({ prompt: z.string(), response: z.string(), reference: z.string().default('') }))
      .min(1),
  }),
  /** The right answers of a data file, which should get the best rewards. */
  z.strictObject({
    from: z.literal('references'),
    data: z.strictObject({
      path: z.string().min(1),
      prompt: z.string().min(1).default('{prompt}'),
      answer: z.string().min(1).default('{answer}'),
    }),
    limit: z.int().min(1).max(20_000).default(200),
  }),
  /** Stored training answers of a run, evenly from its steps or of one step. */
  z.strictObject({
    from: z.literal('run'),
    runId: z.string(),
    step: z.int().min(0).optional(),
    limit: z.int().min(1).max(20_000).default(500),
  }),
  /** Fresh answers of an experiment's model to its training questions, graded by the reward of the request. */
  z.strictObject({
    from: z.literal('model'),
    experiment: experimentSchema,
    questions: z.int().min(1).max(1_000).default(16),
  }),
]);
export type BenchSource = z.infer<typeof benchSourceSchema>;

/** A reward in the library. */
export const keptRewardSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  reward: rewardSchema,
  changedAt: z.number(),
  deletedAt: z.number().nullable(),
});
export type KeptReward = z.infer<typeof keptRewardSchema>;

/** An answer with what the reward says of it. */
export const gradedAnswerSchema = benchAnswerSchema.omit({ row: true }).extend({
  total: z.number().nullable(),
  masked: z.boolean(),
  components: z.array(componentScoreSchema),
});
export type GradedAnswer = z.infer<typeof gradedAnswerSchema>;

/** Counts of values in bins of equal width; `edges` has one number more than `counts`. */
export const histogramSchema = z.strictObject({ edges: z.array(z.number()), counts: z.array(z.int()) });
export type Histogram = z.infer<typeof histogramSchema>;

/** The values of one column (a component, or the total) over the real answers. */
export const columnReportSchema = z.strictObject({
  name: z.string(),
  count: z.int(),
  notGradable: z.int(),
  mean: z.number().nullable(),
  deviation: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Different values. */
  distinct: z.int(),
  histogram: histogramSchema.nullable(),
  /** Time of the grader for one answer; null for the total. */
  secondsPerAnswer: z.number().nullable(),
});
export type ColumnReport = z.infer<typeof columnReportSchema>;

export const benchAdviceSchema = z.strictObject({
  level: z.enum(['good', 'note', 'warning', 'blocking']),
  message: z.string(),
  advice: z.string(),
});
export type BenchAdvice = z.infer<typeof benchAdviceSchema>;

export const rewardBenchReportSchema = z.strictObject({
  reward: rewardSchema,
  /** Where the real answers come from. */
  from: z.enum(['pasted', 'references', 'run', 'model']),
  /** Real answers, and the questions that they belong to. */
  answers: z.int(),
  questions: z.int(),
  notGradable: z.int(),
  masked: z.int(),
  /** Share of questions with several answers whose rewards differ; null where no question has several. */
  groupsWithSignal: z.number().nullable(),
  /** Share of answers that were cut off at the longest length. */
  truncated: z.number(),
  total: columnReportSchema,
  components: z.array(columnReportSchema),
  /** Pairs of components that rank the answers differently, the most different first. */
  disagreements: z.array(
    z.strictObject({
      first: z.string(),
      second: z.string(),
      /** Spearman's rank correlation; null where one of them does not vary. */
      correlation: z.number().nullable(),
      /** Answers that one ranks high and the other low: places in `rows`. */
      examples: z.array(z.int()),
    }),
  ),
  planted: z.array(
    z.strictObject({
      name: plantedNameSchema,
      count: z.int(),
      /** Mean total over those that could be graded; null where none could. */
      mean: z.number().nullable(),
      /** Share of the real answers to the same questions (of all, where there are none) that get less; ties count half. */
      beats: z.number().nullable(),
      /** Place in `rows` of the one that got most. */
      best: z.int().nullable(),
    }),
  ),
  advice: z.array(benchAdviceSchema),
  /** Every answer, real ones first, in their order. */
  rows: z.array(gradedAnswerSchema),
  /** What functions of the reward printed to the console, the first lines of all. */
  printed: z.array(z.string()),
  seconds: z.number(),
});
export type RewardBenchReport = z.infer<typeof rewardBenchReportSchema>;

/** A stored run graded by another reward. */
export const rescoreReportSchema = z.strictObject({
  runId: z.string(),
  answers: z.int(),
  notGradable: z.int(),
  /** Something that the report lacks, in words; null where it is complete. */
  warning: z.string().nullable(),
  /** Mean of the old and of the new reward in each step. */
  steps: z.array(z.int()),
  before: z.array(z.number().nullable()),
  after: z.array(z.number().nullable()),
  /** Spearman's rank correlation of old and new over all answers; null where one of them does not vary. */
  correlation: z.number().nullable(),
  /** Answers whose rank changed most; ranks are shares from 0 (worst) to 1 (best). */
  moved: z.array(
    z.strictObject({
      sampleId: z.int(),
      step: z.int(),
      prompt: z.string(),
      text: z.string(),
      before: z.number(),
      after: z.number(),
      rankBefore: z.number(),
      rankAfter: z.number(),
      components: z.array(componentScoreSchema),
    }),
  ),
  seconds: z.number(),
});
export type RescoreReport = z.infer<typeof rescoreReportSchema>;
