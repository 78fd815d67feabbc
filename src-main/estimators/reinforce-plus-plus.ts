/** REINFORCE++: rewards shifted and scaled to mean 0 and deviation 1 over all tokens of the batch. */
import { userError } from '../contract/errors.ts';
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 1, aggregation: 'tokenMean', clip: { low: 0.2, high: 0.2 } },
  greedy: false,
  advantage: { baseline: 'none', scale: 'batchTokens', ddof: 1, eps: 1e-8, epsAt: 'var', klFold: 'toGo' },
  loss: 'clipped',
};

export const reinforcePlusPlus: Estimator = {
  name: 'reinforce-plus-plus',
  title: 'REINFORCE++',
  description:
    'Compares each answer with all answers of the step, counted token by token and measured in standard deviations.',
  cost: { generations: 'One answer for each question (more if asked for).', memory: policyMemory },
  choose: 'When one answer a question must do and rewards change their range.',
  settings: ['groupSize'],
  defaults: traits.defaults,
  spec: (method, budget) => onlineSpec(traits, method, budget),
  validate(method, budget) {
    refuseBaseline(reinforcePlusPlus, method);
    validateOnline(reinforcePlusPlus, 1, method, budget);
    const answers = (method.groupSize ?? traits.defaults.groupSize) * budget.promptsPerStep;
    if (answers < 2) {
      throw userError(
        'batch-too-small',
        'REINFORCE++ compares the answers of a step with each other; with one there is nothing to compare.',
        {
          where: 'budget.promptsPerStep',
          advice: 'Ask at least two questions per step.',
        },
      );
    }
  },
};
