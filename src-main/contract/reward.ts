/** A reward: a weighted list of components. Each component has its own logged column. */
import { z } from 'zod';

const common = {
  /** Name of the logged column; the kind when left out. */
  name: z.string().min(1).optional().meta({ label: 'Column name', help: 'Name of the logged column; the kind when left out.' }),
  weight: z.number().default(1).meta({ label: 'Weight', help: 'Factor of this component in the total.' }),
};

export const rewardComponentSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('exact'), ...common }),
  z.strictObject({
    kind: z.literal('number'),
    ...common,
    /** `whole`: the whole answer must be one number. `last`: the last number in the text counts. */
    find: z
      .enum(['whole', 'last'])
      .default('whole')
      .meta({ label: 'Where the number stands', help: 'whole: the whole answer must be one number; last: the last number in the text counts.' }),
    /** Largest accepted difference, relative to the reference. */
    tolerance: z.number().min(0).default(0).meta({ label: 'Tolerance', help: 'Largest accepted difference, relative to the right answer.' }),
  }),
  z.strictObject({
    kind: z.literal('equation'),
    ...common,
    /** Columns that hold the numbers to use and the target value. */
    numbers: z.string().default('check.numbers').meta({ label: 'Numbers column', help: 'Column that holds the numbers to use.' }),
    target: z.string().default('check.target').meta({ label: 'Target column', help: 'Column that holds the value to reach.' }),
  }),
]);
export type RewardComponent = z.output<typeof rewardComponentSchema>;

export const rewardSchema = z.strictObject({
  components: z.array(rewardComponentSchema).min(1).meta({ label: 'Components', help: 'What is graded; the total is the weighted sum.' }),
  /** Largest share of answers whose grader failed before the run pauses. */
  notGradableLimit: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .meta({ label: 'Limit of ungraded answers', help: 'Largest share of answers whose grader could not work before the run pauses.' }),
});
export type RewardConfig = z.output<typeof rewardSchema>;

/** What one component says of one answer. `value` null: the grader could not work ("not gradable"). */
export const componentScoreSchema = z.strictObject({
  name: z.string(),
  value: z.number().nullable(),
  reason: z.string(),
});
export type ComponentScore = z.infer<typeof componentScoreSchema>;

/** The reward of one answer. `total` null when any component is not gradable. */
export const rewardScoreSchema = z.strictObject({
  total: z.number().nullable(),
  components: z.array(componentScoreSchema),
});
export type RewardScore = z.infer<typeof rewardScoreSchema>;
