/** GRPO: reward minus the group mean, divided by the standard deviation of the group. */
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 8, aggregation: 'seqTokenMean', clip: { low: 0.2, high: 0.2 } },
  greedy: false,
  advantage: { baseline: 'groupMean', scale: 'groupStd', ddof: 1, eps: 1e-6, klFold: 'toGo' },
  loss: 'clipped',
};

export const grpo: Estimator = {
  name: 'grpo',
  title: 'GRPO',
  description:
    'Grades each answer on the curve of its group: distance from the group average in standard deviations.',
  cost: {
    generations: 'A group of answers for each question (8 by default, at least 2).',
    memory: policyMemory,
  },
  choose: 'When results should be comparable with published ones.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(grpo, method);
    validateOnline(grpo, 2, method, budget);
  },
};
