/** Dr. GRPO: reward minus the group mean, tokens summed over a constant length. */
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 8, aggregation: 'constant', clip: { low: 0.2, high: 0.2 } },
  greedy: false,
  advantage: { baseline: 'groupMean', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' },
  loss: 'clipped',
};

export const drGrpo: Estimator = {
  name: 'dr-grpo',
  title: 'Dr. GRPO',
  description:
    'Compares each answer with its group average, without the two divisions by which GRPO favours some questions and lengths.',
  cost: {
    generations: 'A group of answers for each question (8 by default, at least 2).',
    memory: policyMemory,
  },
  choose: 'A sound first choice. Long and short answers count alike.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(drGrpo, method);
    validateOnline(drGrpo, 2, method, budget);
  },
};
