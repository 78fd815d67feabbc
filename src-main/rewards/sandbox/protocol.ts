/** What the sandbox process and its owner say to each other. Both sides check what they get. */
import { z } from 'zod';
import { finishReasonSchema } from '../../contract/events.ts';
import { rewardComponentSchema } from '../../contract/reward.ts';

const id = z.int().min(0);
/** Longest reason, and most and longest printed lines, that are believed of the process. */
const reason = z.string().max(2000);
const lines = z.array(z.string().max(1000)).max(200);

const itemSchema = z.strictObject({
  prompt: z.string(),
  response: z.string(),
  reference: z.string(),
  row: z.record(z.string(), z.json()),
  finish: finishReasonSchema,
  tokens: z.int().nullable(),
  maxTokens: z.int().nullable(),
});

/** To the process. Work is done in the order of arrival. */
export const sandboxRequestSchema = z.discriminatedUnion('type', [
  /** Makes a component ready under a number. */
  z.strictObject({
    type: z.literal('prepare'),
    id,
    key: id,
    component: rewardComponentSchema,
    seed: z.number(),
  }),
  /** Grades answers by a component that is ready. */
  z.strictObject({ type: z.literal('grade'), id, key: id, items: z.array(itemSchema) }),
]);
export type SandboxRequest = z.output<typeof sandboxRequestSchema>;

export const sandboxReplySchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('prepared'),
    id,
    problem: z
      .strictObject({
        message: z.string().max(5000),
        where: z.string().max(5000),
        advice: z.string().max(2000),
      })
      .nullable(),
  }),
  /** Outcomes of the first of the items, at least one: the process stops early so that it is never silent for long. */
  z.strictObject({
    type: z.literal('graded'),
    id,
    outcomes: z.array(z.strictObject({ value: z.number().nullable(), reason, lines })),
  }),
  /** The process could not do it; a bug. */
  z.strictObject({ type: z.literal('failed'), id, message: z.string().max(5000) }),
]);
export type SandboxReply = z.output<typeof sandboxReplySchema>;
