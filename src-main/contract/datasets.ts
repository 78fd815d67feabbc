/** The library of datasets: what is recorded of each, its versions, its mapping, and how a model reads it. */
import { z } from 'zod';
import { dataSchema } from './experiment.ts';

/** Where a dataset came from. */
export const datasetSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), path: z.string() }),
  z.strictObject({
    kind: z.literal('hub'),
    name: z.string(),
    revision: z.string(),
    commit: z.string(),
    config: z.string().nullable(),
    split: z.string().nullable(),
  }),
]);
export type DatasetSource = z.infer<typeof datasetSourceSchema>;

/** Which columns are used for what, as templates with column names in braces. */
export const datasetMappingSchema = dataSchema.pick({
  prompt: true,
  messages: true,
  system: true,
  answer: true,
  chosen: true,
  rejected: true,
  label: true,
});
export type DatasetMapping = z.infer<typeof datasetMappingSchema>;

const distributionSchema = z.strictObject({
  min: z.number(),
  max: z.number(),
  mean: z.number(),
  /** Bins of equal width from `start` on. */
  histogram: z.strictObject({ start: z.number(), width: z.number(), counts: z.array(z.int()) }),
});

export const datasetColumnSchema = z.strictObject({
  /** Name, or `outer.inner` for what lies in objects. */
  name: z.string(),
  /** text, number, number as text, yes/no, time, list, conversation, object, mixed or empty. */
  type: z.string(),
  example: z.string(),
  /** Rows in which it is absent, null or blank. */
  missing: z.int(),
  /** Different values; an estimate where not exact. */
  distinct: z.strictObject({ count: z.number(), exact: z.boolean() }),
  /** Values of numbers; and characters of texts, or elements of lists. */
  numbers: distributionSchema.nullable(),
  lengths: distributionSchema.nullable(),
  /** The most frequent values, where there are few different ones. */
  frequent: z.array(z.strictObject({ value: z.string(), count: z.int() })),
  /** Names of the classes whose numbers it holds, where the file says them. */
  classes: z.array(z.string()).optional(),
});
export type DatasetColumn = z.infer<typeof datasetColumnSchema>;

export const datasetVersionSchema = z.strictObject({
  /** SHA-256 of the content: equal versions are equal data. */
  version: z.string(),
  /** File or folder that experiments name. */
  path: z.string(),
  /** Whether it is a copy in the data directory, which nobody else changes. */
  kept: z.boolean(),
  bytes: z.number(),
  rows: z.int(),
  columns: z.array(datasetColumnSchema),
  /** Rows whose question (by the mapping, else by the names of columns) was asked before; null where no column seems to ask. */
  duplicates: z.strictObject({ count: z.int(), exact: z.boolean() }).nullable(),
  warnings: z.array(z.string()),
  importedAt: z.number(),
});
export type DatasetVersion = z.infer<typeof datasetVersionSchema>;

export const datasetRowSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  source: datasetSourceSchema,
  mapping: datasetMappingSchema.nullable(),
  createdAt: z.number(),
  deletedAt: z.number().nullable(),
  /** The newest. */
  version: datasetVersionSchema,
  versions: z.int(),
});
export type DatasetRow = z.infer<typeof datasetRowSchema>;

export const datasetDetailSchema = datasetRowSchema.omit({ versions: true }).extend({
  /** Newest first. */
  versions: z.array(datasetVersionSchema),
  /** Runs that train or are held out on any of its versions, newest first. */
  runs: z.array(
    z.strictObject({ id: z.string(), name: z.string(), status: z.string(), createdAt: z.number() }),
  ),
  /** What is wrong with the file of the newest version now; null where it is as it was imported. */
  problem: z.string().nullable(),
});
export type DatasetDetail = z.infer<typeof datasetDetailSchema>;

export const datasetPageSchema = z.strictObject({
  /** Rows with their place (from 0) in the data. */
  rows: z.array(z.strictObject({ index: z.int(), row: z.record(z.string(), z.json()) })),
  /** Where to go on; null at the end. A page may have fewer rows than asked for and still go on. */
  next: z.int().nullable(),
});
export type DatasetPage = z.infer<typeof datasetPageSchema>;

/** Lengths in tokens: `counts[i]` texts have from `edges[i]` to below `edges[i + 1]` tokens. */
export const lengthHistogramSchema = z.strictObject({
  edges: z.array(z.int()),
  counts: z.array(z.int()),
  least: z.int(),
  most: z.int(),
  mean: z.number(),
  median: z.number(),
});
export type LengthHistogram = z.infer<typeof lengthHistogramSchema>;

/** What a method learns from: rewards of sampled answers, right answers (SFT), or better and worse answers. */
export const learnsSchema = z.enum(['rewards', 'answers', 'pairs']);

const splitReportSchema = z.strictObject({
  rows: z.int(),
  /** Rows that training or evaluation would use. */
  used: z.int(),
  /** Rows left out: the question, or an answer that is learnt, is too long; or one of them is empty. */
  tooLong: z.int(),
  empty: z.int(),
  /** Rows whose question stood in an earlier row already. */
  repeated: z.int(),
  prompts: lengthHistogramSchema.nullable(),
  /** Of right answers (of pairs: of both), without the token that ends them; null where there are none. */
  answers: lengthHistogramSchema.nullable(),
});

/** How a model reads the rows of a dataset. */
export const tokenizedReportSchema = z.strictObject({
  /** The first rows as the model sees them. */
  examples: z.array(
    z.strictObject({
      /** Place (from 0) of the row in its file. */
      index: z.int(),
      question: z.string(),
      /** With the chat template around it. */
      prompt: z.string(),
      ids: z.array(z.int()),
      /** Text of each id; together they are the prompt as the model reads it. */
      tokens: z.array(z.string()),
      /** The right answer; of a pair the better and the worse one. */
      answers: z.array(
        z.strictObject({ text: z.string(), ids: z.array(z.int()), tokens: z.array(z.string()) }),
      ),
      tooLong: z.boolean(),
    }),
  ),
  template: z.boolean(),
  /** Longest question that is kept, in tokens, and why. */
  limit: z.int(),
  limitReason: z.string(),
  train: splitReportSchema,
  evaluation: splitReportSchema,
  /** Training rows left out because the same question is held out. */
  shared: z.int(),
  /** Tokens of all prompts and answers. */
  tokens: z.number(),
  warnings: z.array(z.string()),
  seconds: z.number(),
});
export type TokenizedReport = z.infer<typeof tokenizedReportSchema>;
