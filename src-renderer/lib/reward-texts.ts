/** What each kind of reward component does, in plain words. A missing one does not compile. */
import type { RewardComponent } from '../../src-main/contract/reward.ts';

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

export const rewardTexts: Record<RewardComponent['kind'], RewardText> = {
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
};
