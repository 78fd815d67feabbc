/** A reward: a list of components, each with its own logged column, and how they make one number. */
import { z } from 'zod';
import { rewardComponentSchema } from './reward-components.ts';

export { rewardComponentSchema } from './reward-components.ts';
export type { ComponentOf, RewardComponent, RewardKind } from './reward-components.ts';

const rewardObject = z.strictObject({
  components: z.array(rewardComponentSchema).min(1).meta({ label: 'Components', help: 'What is graded.' }),
  combine: z.enum(['sum', 'product']).default('sum').meta({
    label: 'How parts are combined',
    help: 'sum: each value times its weight, added up; product: each value to the power of its weight, multiplied (values below 0 count as 0).',
  }),
  clip: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, 'the first number must be the smaller one')
    .optional()
    .meta({ label: 'Limits of the total', help: 'The total is cut off to this range.' }),
  truncated: z.enum(['keep', 'penalise', 'mask']).default('keep').meta({
    label: 'Answers that were cut off',
    help: 'keep: graded as they are; penalise: lose the penalty; mask: leave the learning signal, like answers that cannot be graded, without counting as such.',
  }),
  truncatedPenalty: z
    .number()
    .min(0)
    .default(1)
    .meta({
      label: 'Penalty for cut-off answers',
      help: 'What an answer loses that ran into the longest length, with penalise.',
    }),
  /** Largest share of answers whose grader failed before the run pauses. */
  notGradableLimit: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .meta({
      label: 'Limit of ungraded answers',
      help: 'Largest share of answers whose grader could not work before the run pauses.',
    }),
});

/** A product takes no weight below 0: a value of 0 would count without bound. */
export const rewardSchema = rewardObject.superRefine(({ components, combine }, context) => {
  if (combine !== 'product') return;
  for (const [place, { weight }] of components.entries()) {
    if (weight >= 0) continue;
    context.addIssue({
      code: 'custom',
      path: ['components', place, 'weight'],
      message: 'a product takes no weight below 0',
    });
  }
});
export type RewardConfig = z.output<typeof rewardSchema>;

/** What one component says of one answer. `value` null: the grader could not work ("not gradable"). */
export const componentScoreSchema = z.strictObject({
  name: z.string(),
  value: z.number().nullable(),
  reason: z.string(),
});
export type ComponentScore = z.infer<typeof componentScoreSchema>;

/** The reward of one answer. `total` null when a component that counts is not gradable, or when the answer is `masked`. */
export const rewardScoreSchema = z.strictObject({
  total: z.number().nullable(),
  /** The answer was cut off and the reward leaves such answers out; present only then. */
  masked: z.literal(true).optional(),
  components: z.array(componentScoreSchema),
});
export type RewardScore = z.infer<typeof rewardScoreSchema>;
