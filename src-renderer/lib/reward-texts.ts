/** What each kind of reward component does, in plain words. A missing one does not compile. */
import type { RewardKind } from '../../src-main/contract/reward.ts';

export interface RewardSetting {
  readonly key: string;
  readonly label: string;
  readonly help: string;
}

export interface RewardText {
  readonly title: string;
  readonly plain: string;
  /** An answer and what it gets, to make it plain. */
  readonly example: string;
  readonly settings: readonly RewardSetting[];
}

export const rewardTexts: Record<RewardKind, RewardText> = {
  number: {
    title: 'Right number',
    plain: 'Full marks when the answer is the right number, however it is written.',
    example: '“1,200” and “1200.0” both match 1200.',
    settings: [
      {
        key: 'find',
        label: 'Where the number stands',
        help: 'whole: the answer must be one number; last: the last number of the text counts.',
      },
      {
        key: 'tolerance',
        label: 'Accepted difference',
        help: 'Largest difference, as a share of the right number; 0 is exact.',
      },
    ],
  },
  exact: {
    title: 'Exact text',
    plain: 'Full marks when the answer is the right text, apart from spaces around it.',
    example: '“Paris” matches “ Paris ”, not “paris, France”.',
    settings: [],
  },
  equation: {
    title: 'Equation',
    plain: 'Full marks when the answer is an equation that uses the given numbers and reaches the target.',
    example: 'With 3, 5, 7 and target 22: “3 × 5 + 7”.',
    settings: [
      {
        key: 'numbers',
        label: 'Column of the numbers',
        help: 'Column of the data that lists the numbers to use.',
      },
      {
        key: 'target',
        label: 'Column of the target',
        help: 'Column of the data that holds the value to reach.',
      },
    ],
  },
  choice: {
    title: 'Multiple choice',
    plain: 'Full marks when the answer picks the right letter.',
    example: '“The answer is (B).” matches B.',
    settings: [],
  },
  contains: {
    title: 'Contains texts',
    plain: 'Looks for texts in the answer: all of them, any, or none.',
    example: 'All of “hello”, “thanks”: “Hello there, and thanks!”.',
    settings: [],
  },
  regex: {
    title: 'Pattern',
    plain: 'Full marks when a regular expression matches (or does not).',
    example: '“^Yes|^No” matches “Yes, because …”.',
    settings: [],
  },
  json: {
    title: 'Valid JSON',
    plain: 'Full marks when the answer is JSON that can be read.',
    example: '{"name": "Ada"}',
    settings: [],
  },
  'json-schema': {
    title: 'JSON of a given form',
    plain: 'Full marks when the answer is JSON that satisfies a schema.',
    example: 'A schema with the required field “name” accepts {"name": "Ada"}.',
    settings: [],
  },
  tags: {
    title: 'Tags',
    plain: 'Full marks when the answer has each tag once, in order.',
    example: '<think>2 and 2</think><answer>4</answer>',
    settings: [],
  },
  length: {
    title: 'Length',
    plain: 'Full marks when the answer is neither too short nor too long.',
    example: 'Between 50 and 120 words.',
    settings: [],
  },
  overlong: {
    title: 'Cost of the last tokens',
    plain: 'Answers that come near the longest length lose, more the nearer they come.',
    example: 'The last 32 tokens cost from 0 to 1.',
    settings: [],
  },
  repetition: {
    title: 'No repetition',
    plain: 'Full marks when no run of words is repeated; less the more is.',
    example: '“and so on and so on and so on” loses most of it.',
    settings: [],
  },
  script: {
    title: 'Writing system',
    plain: 'The share of letters that are of the wanted script.',
    example: '“Привет” is Cyrillic.',
    settings: [],
  },
  instructions: {
    title: 'Follows instructions',
    plain: 'The share of checkable instructions that the answer follows.',
    example: 'No comma; at least 3 bullet points; ends with a given phrase.',
    settings: [],
  },
  balance: {
    title: 'Word balance',
    plain:
      'Full marks for one sentence on the topic with enough more good words than bad ones (or the other way round).',
    example: '“The garden is calm, bright and lovely.”',
    settings: [],
  },
  similarity: {
    title: 'Like the right answer',
    plain: 'How much of the right answer the answer shares.',
    example: '“The cat sat” against “The cat sat down”: 0.86.',
    settings: [],
  },
  code: {
    title: 'Program that passes tests',
    plain: 'Runs the answer as JavaScript against the tests of its row, in a sandbox.',
    example: 'add(2, 3) must be 5.',
    settings: [],
  },
  'reward-model': {
    title: 'Learned reward model',
    plain: 'Scores by a model that was trained on what people prefer.',
    example: 'A checkpoint for sequence classification, or one trained here.',
    settings: [],
  },
  judge: {
    title: 'Judge',
    plain: 'Asks another language model for a mark, by your own words for what is good.',
    example: '“Is the answer polite and to the point?”',
    settings: [],
  },
  function: {
    title: 'Your own function',
    plain: 'JavaScript that gives a number for each answer, in a sandbox.',
    example: 'return response.length < 100 ? 1 : 0;',
    settings: [],
  },
};
