/**
 * The laboratory's questions and answers: a decision process small enough to list every answer, how it is examined,
 * and what every estimator's gradient turned out to be on it.
 */
import { z } from 'zod';
import { estimatorNameSchema } from './estimator.ts';

/** A process as it is written in a file. Prefixes and answers are their letters put together; '' is the start. */
export const decisionProcessSchema = z.strictObject({
  /** Letters, one character each; the last one ends an answer. */
  vocabulary: z.array(z.string().length(1)).min(2).max(8),
  /** An answer ends with the last letter or after this many letters. */
  maxLength: z.int().min(1).max(6),
  /** For each prefix that does not end an answer: one logit for each letter. */
  logits: z.record(z.string(), z.array(z.number())),
  /** The reward of each answer. */
  rewards: z.record(z.string(), z.number()),
});
export type DecisionProcess = z.output<typeof decisionProcessSchema>;

/** A process as it ships or is saved: with a name and a few sentences. */
export const processFileSchema = decisionProcessSchema.extend({
  title: z.string().max(200).optional(),
  about: z.string().max(2_000).optional(),
});

export const laboratorySettingsSchema = z.strictObject({
  seed: z.int().min(0).max(2 ** 31 - 1).default(1).meta({
    label: 'Drawn rewards',
    term: 'seed',
    help: 'Which token rewards are drawn for the theorem, and which mistakes the wrong critic makes.',
  }),
  discount: z.number().min(0).max(1).default(0.9).meta({
    label: 'Discount to compare',
    term: 'γ',
    help: 'How much a reward is worth one token earlier, for the rows that discount; everything else uses 1.',
    raising: 'At 1 later rewards count in full and the theorem holds.',
  }),
  groupSize: z.int().min(2).max(8).default(3).meta({
    label: 'Answers per question',
    term: 'group size',
    help: 'For methods that compare the answers to one question with each other.',
    unit: 'answers',
    raising: 'Raising it makes one estimate steadier and dearer.',
  }),
  continuations: z.int().min(1).max(64).default(2).meta({
    label: 'Continuations per checkpoint',
    term: 'M',
    help: 'For VinePPO and TRePO: fresh continuations whose mean reward is the value of a prefix.',
    unit: 'continuations',
    raising: 'Raising it makes one estimate steadier and dearer.',
  }),
  stride: z.int().min(1).max(6).default(2).meta({
    label: 'Letters between checkpoints',
    term: 'stride',
    help: 'For VinePPO and TRePO: how far apart the prefixes are whose value is estimated.',
    unit: 'letters',
  }),
  coin: z.number().gt(0).max(1).default(0.5).meta({
    label: 'Chance of a checkpoint',
    term: 'q',
    help: 'For the variants that draw their checkpoints by coins.',
  }),
  criticError: z.number().min(0).max(10).default(0.5).meta({
    label: 'Mistakes of the wrong critic',
    term: 'standard deviation',
    help: 'How far the wrong critic is from the true values, for PPO.',
  }),
});
export type LaboratorySettings = z.output<typeof laboratorySettingsSchema>;

/** What can be said of an estimator's direction, within rounding. */
export const biasVerdictSchema = z.enum(['unbiased', 'multiple', 'biased']);
export type BiasVerdict = z.infer<typeof biasVerdictSchema>;

/** `method`: what a run would use; `theorem`, `critic`, `continuations`, `variant`: shown beside it. */
export const estimatorFamilySchema = z.enum(['theorem', 'method', 'critic', 'continuations', 'variant']);
export type EstimatorFamily = z.infer<typeof estimatorFamilySchema>;

export const laboratoryRowSchema = z.strictObject({
  /** Name for --estimators and links. */
  id: z.string(),
  title: z.string(),
  family: estimatorFamilySchema,
  /** The method of the product that it belongs to; null for rows that no run can use. */
  estimator: z.string().nullable(),
  /** How it weighs the tokens of an answer. */
  about: z.string(),
  /** Whether it aims at something else than the mean reward, so that its bias is meant. */
  otherGoal: z.boolean(),
  /** What the numbers mean, in a plain sentence. */
  meaning: z.string(),
  verdict: biasVerdictSchema,
  /** Expected gradient with respect to the logits: state by state, letter by letter. */
  gradient: z.array(z.number()),
  /** Trace of the covariance of one estimate. */
  variance: z.number(),
  /** ⟨estimate, truth⟩ / ⟨truth, truth⟩. */
  scale: z.number(),
  /** Cosine of the angle to the true gradient; null where the expected gradient is 0. */
  cosine: z.number().nullable(),
  /** ‖estimate − truth‖ / ‖truth‖. */
  bias: z.number(),
  /** ‖estimate − scale · truth‖ / (|scale| · ‖truth‖): bias that no learning rate mends; null where the scale is 0. */
  directionBias: z.number().nullable(),
  /** Standard deviation of one estimate over its part along the true gradient; null where the scale is 0. */
  noise: z.number().nullable(),
  /** Expected answers and tokens that are generated for one estimate, continuations and greedy answers included. */
  answers: z.number(),
  tokens: z.number(),
  /** variance × tokens. */
  varianceCost: z.number(),
  /** noise² × tokens: tokens to generate until noise and gradient are equally large; null where the scale is 0. */
  tokensNeeded: z.number().nullable(),
});
export type LaboratoryRow = z.output<typeof laboratoryRowSchema>;

export const theoremReportSchema = z.strictObject({
  /** What each letter in each state earns, as drawn: state by state, letter by letter. */
  tokenRewards: z.array(z.number()),
  /** The reward of each answer: the sum of what its letters earn. */
  responseRewards: z.record(z.string(), z.number()),
  /** Gradient from rewards of tokens, by the value of every state. */
  tokenGradient: z.array(z.number()),
  /** Gradient from one reward for the whole answer. */
  responseGradient: z.array(z.number()),
  largestDifference: z.number(),
  discount: z.number(),
  /** Gradient from rewards of tokens that lose a share with each token between. */
  discountedGradient: z.array(z.number()),
  discountedDifference: z.number(),
  /** Cosine between the discounted gradient and that of the whole answer; null where one is 0. */
  discountedCosine: z.number().nullable(),
});
export type TheoremReport = z.output<typeof theoremReportSchema>;

export const laboratoryReportSchema = z.strictObject({
  process: decisionProcessSchema,
  settings: laboratorySettingsSchema,
  /** Every prefix that does not end an answer, shortest first, with the probability of each next letter. */
  states: z.array(z.strictObject({ prefix: z.string(), policy: z.array(z.number()), value: z.number(), visited: z.number() })),
  answers: z.array(z.strictObject({ text: z.string(), probability: z.number(), reward: z.number(), ended: z.boolean() })),
  expectedReward: z.number(),
  /** The gradient of the expected reward: state by state, letter by letter. */
  gradient: z.array(z.number()),
  gradientNorm: z.number(),
  theorem: theoremReportSchema,
  rows: z.array(laboratoryRowSchema),
  /** Methods that have no row, with the reason. */
  left: z.array(z.strictObject({ id: z.string(), title: z.string(), reason: z.string() })),
  /** What the whole table says, in plain sentences. */
  summary: z.array(z.string()),
  seconds: z.number(),
});
export type LaboratoryReport = z.output<typeof laboratoryReportSchema>;

/** A measured number with the ends of its 95 % interval; null where it cannot be told. */
export const intervalSchema = z.strictObject({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});
export type Interval = z.output<typeof intervalSchema>;

const float32: z.ZodType<Float32Array> = z.instanceof(Float32Array);

/** What was found out inside one answer: values at positions, or before and after drawn tokens. */
export const answerValuesSchema = z.union([
  z.strictObject({
    between: z.enum(['segment', 'linear']),
    anchors: z.array(z.strictObject({ position: z.int().min(0), value: z.number() })),
  }),
  z.strictObject({
    between: z.literal('sparse'),
    drawn: z.array(z.strictObject({ token: z.int().min(1), before: z.number(), after: z.number() })),
    chance: z.number(),
  }),
]);

/** What a method that weighs the tokens of an answer differently made of one answer. */
export const answerLookSchema = z.strictObject({
  method: estimatorNameSchema,
  /** Σ over tokens of advantage × gradient of the log-probability, along the random directions; advantages as they are before a batch scales them. */
  projection: float32,
  /** Tokens of continuations that this answer was the first to need. */
  tokens: z.int().min(0),
  /** Where values were estimated by continuations; null where one could not be graded, or for methods with a critic. */
  values: answerValuesSchema.nullable(),
  /** What a critic said before each token; null for methods without one. */
  criticValues: float32.nullable(),
});
export type AnswerLook = z.infer<typeof answerLookSchema>;

/** One question with its sampled answers and the gradient of each along the random directions. */
export interface SampledQuestion {
  readonly greedyReward: number | null;
  readonly greedyTokens: number;
  readonly answers: readonly {
    readonly reward: number;
    readonly tokens: number;
    readonly projection: ArrayLike<number>;
    /** One for each method that was asked to look into answers. */
    readonly looks?: readonly AnswerLook[];
  }[];
}

export const sampledOptionsSchema = z.strictObject({
  questions: z.int().min(1).max(1000).default(4).meta({
    label: 'Questions',
    help: 'The first questions of the training data; one estimate asks all of them.',
    unit: 'questions',
    raising: 'More questions stand better for the data, and each estimate costs more.',
  }),
  answers: z.int().min(4).max(100_000).default(256).meta({
    label: 'Answers to each question',
    help: 'They are cut into groups; each group of all questions gives one independent estimate of every method.',
    unit: 'answers',
    raising: 'More answers narrow the intervals, and take longer.',
  }),
  groupSize: z.int().min(2).max(64).default(4).meta({
    label: 'Answers per group',
    term: 'group size',
    help: 'How many answers to a question one estimate compares.',
    unit: 'answers',
    raising: 'A larger group makes one estimate steadier, and leaves fewer of them.',
  }),
  directions: z.int().min(8).max(65_536).default(1024).meta({
    label: 'Random directions',
    term: 'sketch size',
    help: 'Gradients over all weights are measured along so many directions.',
    raising: 'More make scalar products more exact, and take more memory.',
  }),
  seed: z.int().min(0).max(2 ** 31 - 1).default(1).meta({
    label: 'Seed',
    help: 'Which answers are drawn. The same seed gives the same numbers.',
  }),
  methods: z.array(estimatorNameSchema).min(1).optional().meta({
    label: 'Methods',
    help: 'Which methods are measured; all that can be where left out.',
  }),
});
export type SampledOptions = z.output<typeof sampledOptionsSchema>;

export const sampledRowSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  meaning: z.string(),
  /** `biased`: the interval of the cosine lies below 1; `clear`: no evidence of bias; `noisy`: the noise hides it. */
  verdict: z.enum(['biased', 'clear', 'noisy']),
  cosine: intervalSchema,
  scale: intervalSchema,
  /** ‖expected estimate − reference‖ / ‖reference‖. */
  bias: intervalSchema,
  /** The same after the best scaling, which a learning rate can do: tangent of the angle between the two. */
  directionBias: intervalSchema,
  /** Noise over signal of one estimate from one batch of all questions. */
  noise: intervalSchema,
  variance: z.number(),
  /** Tokens generated for one estimate, greedy answers and continuations included. */
  tokens: z.number(),
  /** variance × tokens: variance per generated token. */
  varianceCost: z.number(),
  /** Variance × tokens, relative to the squared gradient. */
  tokensNeeded: intervalSchema,
});
export type SampledRow = z.output<typeof sampledRowSchema>;

export const sampledReportSchema = z.strictObject({
  questions: z.int(),
  answers: z.int(),
  groupSize: z.int(),
  /** Independent estimates of each estimator. */
  batches: z.int(),
  directions: z.int(),
  /** All that were generated: answers, greedy answers and continuations. */
  generatedTokens: z.int(),
  rewardMean: z.number(),
  lengthMean: z.number(),
  rows: z.array(sampledRowSchema),
  left: z.array(z.strictObject({ id: z.string(), title: z.string(), reason: z.string() })),
  /** What the whole table says, in plain sentences. */
  summary: z.array(z.string()),
  /** False where it was ended before its last answer: then it holds what was measured up to there. */
  complete: z.boolean(),
  seconds: z.number(),
});
export type SampledReport = z.output<typeof sampledReportSchema>;
