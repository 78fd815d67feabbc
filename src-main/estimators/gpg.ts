/** GPG: reward minus the group mean, enlarged when few answers of the step have a reward. */
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 8, aggregation: 'tokenMean', clip: { low: 0.2, high: 0.2 } },
  greedy: false,
  advantage: { baseline: 'groupMeanTimesNonzero', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' },
  loss: 'policyGradient',
};

export const gpg: Estimator = {
  name: 'gpg',
  title: 'GPG',
  description:
    'Compares each answer with its group average and enlarges the step when few answers earned anything.',
  cost: {
    generations: 'A group of answers for each question (8 by default, at least 2).',
    memory: policyMemory,
  },
  choose: 'With right-or-wrong rewards that are rare at first.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(gpg, method);
    validateOnline(gpg, 2, method, budget);
  },
};
