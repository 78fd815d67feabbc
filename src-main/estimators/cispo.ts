/** CISPO: GRPO advantages, policy gradient weighted by a capped ratio, so that no token loses its gradient. */
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 8, aggregation: 'tokenMean', clip: { low: 1, high: 4 } },
  greedy: false,
  advantage: { baseline: 'groupMean', scale: 'groupStd', ddof: 1, eps: 1e-6, klFold: 'toGo' },
  loss: 'cispo',
};

export const cispo: Estimator = {
  name: 'cispo',
  title: 'CISPO',
  description:
    'Like GRPO, but tokens whose ratio has grown keep a bounded weight instead of dropping out of the update.',
  cost: {
    generations: 'A group of answers for each question (8 by default, at least 2).',
    memory: policyMemory,
  },
  choose: 'With several updates per batch, when rare tokens decide.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(cispo, method);
    validateOnline(cispo, 2, method, budget);
  },
};
