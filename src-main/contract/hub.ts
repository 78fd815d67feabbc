/** What can be asked of the Hugging Face Hub, and what is known of a repository before anything of it is fetched. */
import { z } from 'zod';
import { memoryFitSchema } from './model-library.ts';

export const hubRequestSchema = z.strictObject({
  kind: z.enum(['model', 'dataset']),
  /** `owner/name`, or one word for the oldest repositories. */
  name: z.string().min(1).max(200),
  /** Branch, tag or commit. */
  revision: z.string().min(1).max(200).default('main'),
  /** Of a dataset: its configuration (subset), and the split; all splits where absent. */
  config: z.string().min(1).max(200).optional(),
  split: z.string().min(1).max(200).optional(),
});
export type HubRequest = z.infer<typeof hubRequestSchema>;

export const hubDescriptionSchema = z.strictObject({
  kind: z.enum(['model', 'dataset']),
  name: z.string(),
  revision: z.string(),
  commit: z.string(),
  private: z.boolean(),
  /** Whether its owner must be asked for access first. */
  gated: z.boolean(),
  licence: z.string().nullable(),
  /** Files that are needed, with sizes in bytes. */
  files: z.array(z.strictObject({ path: z.string(), size: z.number(), cached: z.boolean() })),
  bytes: z.number(),
  /** Bytes that are still to be fetched. */
  missingBytes: z.number(),
  freeBytes: z.number(),
  fits: z.boolean(),
  /** The cache that it is fetched into. */
  cache: z.string(),
  /** Of a dataset: every configuration with its splits, and those that were chosen. */
  configs: z.array(z.strictObject({ name: z.string(), splits: z.array(z.string()) })),
  config: z.string().nullable(),
  /** Of a model: what it is, and whether it can be used here. Null where the Hub does not show its configuration. */
  model: z
    .strictObject({
      family: z.string().nullable(),
      parameters: z.int().nullable(),
      supported: z.boolean(),
      why: z.string().nullable(),
      memory: memoryFitSchema.nullable(),
    })
    .nullable(),
});
export type HubDescription = z.infer<typeof hubDescriptionSchema>;
