/** REINFORCE++ with baseline: the group mean is taken off first, then the batch is scaled over its tokens. */
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 8, aggregation: 'tokenMean', clip: { low: 0.2, high: 0.2 } },
  greedy: false,
  advantage: {
    baseline: 'groupMean',
    scale: 'batchTokens',
    ddof: 1,
    eps: 1e-8,
    epsAt: 'var',
    klFold: 'toGo',
  },
  loss: 'clipped',
};

export const reinforcePlusPlusBaseline: Estimator = {
  name: 'reinforce-plus-plus-baseline',
  title: 'REINFORCE++ with baseline',
  description:
    'Compares each answer with its group average, then measures the difference in standard deviations of the whole step.',
  cost: {
    generations: 'A group of answers for each question (8 by default, at least 2).',
    memory: policyMemory,
  },
  choose: 'Instead of GRPO where groups are small.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(reinforcePlusPlusBaseline, method);
    validateOnline(reinforcePlusPlusBaseline, 2, method, budget);
  },
};
