/** Training a reward model: from pairs, a network learns to give the better answer the higher score (Bradley-Terry). */
import type { BudgetConfig, MethodConfig } from '../contract/experiment.ts';
import type { Estimator } from './estimator.ts';
import {
  datasetDefaults,
  plainPreference,
  preferenceMethodSpec,
  validatePreference,
} from './preference-method.ts';
import { notApplicable } from './validation.ts';

function spec(method: MethodConfig, budget: BudgetConfig): ReturnType<Estimator['spec']> {
  const { preference: _preference, ...rest } = preferenceMethodSpec(plainPreference, 0, method, budget);
  return {
    ...rest,
    rewardModel: { headOnly: method.headOnly ?? false, centering: method.centering ?? 0 },
  };
}

export const rewardModel: Estimator = {
  name: 'reward-model',
  title: 'Reward model',
  description:
    'Trains no language model but a reward model: from pairs of answers it learns to give the better one the higher score.',
  choose: 'When people have compared answers and you want a score for new ones, as a part of a reward.',
  cost: { generations: 'None; the data holds pairs.', memory: 'The model and its optimizer state.' },
  defaults: { ...datasetDefaults, own: { centering: 0 } },
  settings: ['headOnly', 'centering'],
  spec,
  validate(method, budget) {
    if (method.kl.where !== 'none' || method.kl.coefficient > 0) {
      throw notApplicable(
        rewardModel,
        'kl',
        'a reward model writes no answers that could drift',
        'Set where to none and the coefficient to 0.',
      );
    }
    validatePreference(rewardModel, method, budget);
  },
};
