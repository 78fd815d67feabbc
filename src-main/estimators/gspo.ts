/** GSPO: GRPO with one ratio for each answer, the mean of its log-ratios, clipped in a very narrow band. */
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 8, aggregation: 'seqTokenMean', clip: { low: 3e-4, high: 4e-4 } },
  greedy: false,
  advantage: { baseline: 'groupMean', scale: 'groupStd', ddof: 1, eps: 1e-6, klFold: 'toGo' },
  loss: 'clipped',
  ratio: 'seqMean',
};

export const gspo: Estimator = {
  name: 'gspo',
  title: 'GSPO',
  description:
    'Like GRPO, but an answer is held back as a whole once it has become more or less likely than when it was sampled.',
  cost: {
    generations: 'A group of answers for each question (8 by default, at least 2).',
    memory: policyMemory,
  },
  choose: 'With several updates per batch and long answers.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(gspo, method);
    validateOnline(gspo, 2, method, budget);
  },
};
