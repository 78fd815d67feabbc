/** Pass@k: only the best answer of each group counts, with its lead over the second best. */
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 8, aggregation: 'seqSum', clip: { low: 0.2, high: 0.2 } },
  greedy: false,
  advantage: { baseline: 'bestMinusSecond', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' },
  loss: 'policyGradient',
};

export const passAtK: Estimator = {
  name: 'pass-at-k',
  title: 'Best of a group (pass@k)',
  description:
    'Rewards only the best answer of each group, by its lead, so that the best of several tries improves rather than the average.',
  cost: {
    generations: 'A group of answers for each question (8 by default, at least 2).',
    memory: policyMemory,
  },
  choose: 'When answers will be tried several times and one success is enough.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(passAtK, method);
    validateOnline(passAtK, 2, method, budget);
  },
};
