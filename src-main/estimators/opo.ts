/** OPO: reward minus the mean reward of the group weighted by answer lengths. */
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 8, aggregation: 'seqSum', clip: { low: 0.2, high: 0.2 } },
  greedy: false,
  advantage: { baseline: 'lengthWeightedGroupMean', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' },
  loss: 'policyGradient',
};

export const opo: Estimator = {
  name: 'opo',
  title: 'OPO',
  description: 'Compares each answer with its group average, in which long answers count for more.',
  cost: {
    generations: 'A group of answers for each question (8 by default, at least 2).',
    memory: policyMemory,
  },
  choose: 'When lengths within a group differ much.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(opo, method);
    validateOnline(opo, 2, method, budget);
  },
};
