/** ReMax: reward minus the reward of the greedy answer to the same question. */
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 1, aggregation: 'seqSum', clip: { low: 0.2, high: 0.2 } },
  greedy: true,
  advantage: { baseline: 'greedy', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' },
  loss: 'policyGradient',
};

export const remax: Estimator = {
  name: 'remax',
  title: 'ReMax',
  description:
    'Compares each answer with the answer that the model gives when it always takes the likeliest token.',
  cost: {
    generations: 'One answer for each question (more if asked for), and one greedy answer as its baseline.',
    memory: policyMemory,
  },
  choose: 'When one sampled answer a question must do.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(remax, method);
    validateOnline(remax, 1, method, budget);
  },
};
