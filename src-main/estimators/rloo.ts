/** RLOO: reward minus the mean reward of the other answers to the same question (leave one out). */
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 8, aggregation: 'seqSum', clip: { low: 0.2, high: 0.2 } },
  greedy: false,
  advantage: { baseline: 'leaveOneOut', scale: 'none', ddof: 1, eps: 0, klFold: 'score' },
  loss: 'policyGradient',
};

export const rloo: Estimator = {
  name: 'rloo',
  title: 'RLOO',
  description: 'Compares each answer with the average of the other answers to the same question.',
  cost: {
    generations: 'A group of answers for each question (8 by default, at least 2).',
    memory: policyMemory,
  },
  choose: 'Unbiased and simple; strong with few answers a question.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(rloo, method);
    validateOnline(rloo, 2, method, budget);
  },
};
