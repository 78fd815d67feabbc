/**
 * What each kind of reward component does, in plain words; its settings and their help are those of the contract. A
 * missing kind does not compile.
 */
import type { RewardKind } from '../../src-main/contract/reward.ts';

/** What kinds look at, in the order in which they are offered. */
export const rewardGroups = {
  right: 'Compared with the right answer',
  form: 'Form',
  style: 'Length and language',
  more: 'Programs and models',
} as const;
export type RewardGroup = keyof typeof rewardGroups;

export interface RewardText {
  readonly title: string;
  readonly plain: string;
  /** An answer and what it gets, to make it plain. */
  readonly example: string;
  readonly group: RewardGroup;
}

export const rewardTexts: Record<RewardKind, RewardText> = {
  number: {
    group: 'right',
    title: 'Right number',
    plain: 'Full marks when the answer is the right number, however it is written.',
    example: '“1,200” and “1200.0” both match 1200.',
  },
  exact: {
    group: 'right',
    title: 'Exact text',
    plain: 'Full marks when the answer is the right text, apart from spaces around it.',
    example: '“Paris” matches “ Paris ”, not “paris, France”.',
  },
  equation: {
    group: 'right',
    title: 'Equation',
    plain: 'Full marks when the answer is an equation that uses the given numbers and reaches the target.',
    example: 'With 3, 5, 7 and target 22: “3 * 5 + 7”.',
  },
  choice: {
    group: 'right',
    title: 'Multiple choice',
    plain: 'Full marks when the answer picks the right letter.',
    example: '“The answer is (B).” matches B.',
  },
  contains: {
    group: 'right',
    title: 'Contains texts',
    plain: 'Looks for texts in the answer: all of them, any, or none.',
    example: 'All of “hello”, “thanks”: “Hello there, and thanks!”.',
  },
  regex: {
    group: 'form',
    title: 'Pattern',
    plain: 'Full marks when a regular expression matches (or does not).',
    example: '“^Yes|^No” matches “Yes, because …”.',
  },
  json: {
    group: 'form',
    title: 'Valid JSON',
    plain: 'Full marks when the answer is JSON that can be read.',
    example: '{"name": "Ada"}',
  },
  'json-schema': {
    group: 'form',
    title: 'JSON of a given form',
    plain: 'Full marks when the answer is JSON that satisfies a schema.',
    example: 'A schema with the required field “name” accepts {"name": "Ada"}.',
  },
  tags: {
    group: 'form',
    title: 'Tags',
    plain: 'Full marks when the answer has each tag once, in order, with something inside.',
    example: '<think>2 and 2</think><answer>4</answer>',
  },
  length: {
    group: 'style',
    title: 'Length',
    plain: 'Full marks when the answer is neither too short nor too long.',
    example: 'Between 50 and 120 words.',
  },
  overlong: {
    group: 'style',
    title: 'Cost of the last tokens',
    plain: 'Answers that come near the longest length lose, more the nearer they come.',
    example: 'The last 32 tokens cost from 0 to 1.',
  },
  repetition: {
    group: 'style',
    title: 'No repetition',
    plain: 'Full marks when no run of words is repeated; less the more is.',
    example: '“and so on and so on and so on” loses most of it.',
  },
  script: {
    group: 'style',
    title: 'Writing system',
    plain: 'The share of letters that are of the wanted script.',
    example: '“Привет” is Cyrillic.',
  },
  instructions: {
    group: 'form',
    title: 'Follows instructions',
    plain: 'The share of checkable instructions that the answer follows.',
    example: 'No comma; at least 3 bullet points; ends with a given phrase.',
  },
  balance: {
    group: 'style',
    title: 'Word balance',
    plain:
      'Full marks for one sentence on the topic with enough more good words than bad ones (or the other way round).',
    example: '“The garden is calm, bright and lovely.”',
  },
  similarity: {
    group: 'right',
    title: 'Like the right answer',
    plain: 'How much of the right answer the answer shares.',
    example: '“The cat sat” against “The cat sat down”: 0.86.',
  },
  code: {
    group: 'more',
    title: 'Program that passes tests',
    plain: 'Runs the answer as JavaScript against the tests of its row, in a sandbox.',
    example: 'add(2, 3) must be 5.',
  },
  'reward-model': {
    group: 'more',
    title: 'Learned reward model',
    plain: 'Scores by a model that was trained on what people prefer.',
    example: 'A checkpoint for sequence classification, or one trained here.',
  },
  judge: {
    group: 'more',
    title: 'Judge',
    plain: 'Asks another language model for a mark, by your own words for what is good.',
    example: '“Is the answer polite and to the point?”',
  },
  function: {
    group: 'more',
    title: 'Your own function',
    plain: 'JavaScript that gives a number for each answer, in a sandbox.',
    example: 'return response.length < 100 ? 1 : 0;',
  },
};
