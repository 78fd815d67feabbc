/** What each method is, in one plain sentence, and when to choose it. A missing one does not compile. */
import type { EstimatorName } from '../../src-main/contract/estimator.ts';

export interface EstimatorText {
  readonly title: string;
  /** How it works, for people who do not know the term. */
  readonly plain: string;
  readonly choose: string;
  /** What it costs beside the others. */
  readonly cost: string;
  /** Settings under `method` that belong to this method alone, shown with the card. */
  readonly settings: readonly string[];
}

export const estimatorTexts: Record<EstimatorName, EstimatorText> = {
  'dr-grpo': {
    title: 'Dr. GRPO',
    plain:
      'Asks each question several times; answers better than their group’s mean are encouraged, the others discouraged.',
    choose: 'A sound first choice. Long and short answers count alike.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
  },
  grpo: {
    title: 'GRPO',
    plain:
      'Like Dr. GRPO, but differences are measured in spreads of the group, so that hard and easy questions weigh the same.',
    choose: 'When results should be comparable with published ones.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
  },
  rloo: {
    title: 'RLOO',
    plain: 'Compares each answer with the mean of the other answers to the same question.',
    choose: 'Unbiased and simple; strong with few answers a question.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
  },
  reinforce: {
    title: 'REINFORCE',
    plain:
      'Encourages answers by their reward, compared with nothing or with the average of earlier rewards.',
    choose: 'The plainest method, to compare others with.',
    cost: 'One answer a question is enough',
    settings: ['groupSize', 'baseline', 'baselineDecay'],
  },
  'reinforce-plus-plus': {
    title: 'REINFORCE++',
    plain: 'Compares each answer with all answers of the step, in standard deviations.',
    choose: 'When one answer a question must do and rewards change their range.',
    cost: 'One answer a question is enough',
    settings: ['groupSize'],
  },
  'reinforce-plus-plus-baseline': {
    title: 'REINFORCE++ with baseline',
    plain: 'Compares each answer with its group’s mean, then in standard deviations of the whole step.',
    choose: 'Instead of GRPO where groups are small.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
  },
  gspo: {
    title: 'GSPO',
    plain: 'Like GRPO, but an answer is held back as a whole once it has become more or less likely.',
    choose: 'With several updates per batch and long answers.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
  },
  cispo: {
    title: 'CISPO',
    plain: 'Like GRPO, but tokens that have grown keep a bounded weight instead of dropping out.',
    choose: 'With several updates per batch, when rare tokens decide.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
  },
  opo: {
    title: 'OPO',
    plain: 'Compares each answer with its group’s mean, in which long answers count for more.',
    choose: 'When lengths within a group differ much.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
  },
  gpg: {
    title: 'GPG',
    plain: 'Compares each answer with its group’s mean and enlarges the step when successes are rare.',
    choose: 'With right-or-wrong rewards that are rare at first.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
  },
  'pass-at-k': {
    title: 'Best of a group (pass@k)',
    plain: 'Rewards only the best answer of each group, by its lead over the second best.',
    choose: 'When answers will be tried several times and one success is enough.',
    cost: 'Several answers a question',
    settings: ['groupSize'],
  },
  remax: {
    title: 'ReMax',
    plain: 'Compares a sampled answer with the model’s own most likely answer to the same question.',
    choose: 'When one sampled answer a question must do.',
    cost: 'One extra answer a question',
    settings: ['groupSize'],
  },
  sft: {
    title: 'Imitation (SFT)',
    plain:
      'Learns the right answers of the file word for word. No answers are sampled and no reward is used.',
    choose: 'To give a model a first idea of a task, before rewards.',
    cost: 'No sampling: the fastest',
    settings: [],
  },
};
