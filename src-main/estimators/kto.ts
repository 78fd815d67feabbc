/** KTO: single answers called good or bad, weighed by how surprising they are to somebody who fears losses. */
import { userError } from '../contract/errors.ts';
import type { Estimator } from './estimator.ts';
import {
  datasetDefaults,
  plainPreference,
  preferenceMethodSpec,
  referenceMemory,
  validatePreference,
} from './preference-method.ts';

export const kto: Estimator = {
  name: 'kto',
  title: 'KTO',
  description: 'Learns from answers that were called good or bad, each by itself; pairs are not needed.',
  choose: 'When answers have a verdict each, but do not come in pairs.',
  cost: { generations: 'None; the data holds judged answers.', memory: referenceMemory },
  defaults: datasetDefaults,
  settings: ['beta', 'desirableWeight', 'undesirableWeight'],
  spec: (method, budget) =>
    preferenceMethodSpec(
      {
        ...plainPreference,
        loss: 'kto',
        beta: method.beta ?? 0.1,
        desirable: method.desirableWeight ?? 1,
        undesirable: method.undesirableWeight ?? 1,
      },
      0,
      method,
      budget,
    ),
  validate(method, budget) {
    validatePreference(kto, method, budget);
    // The KL is estimated from answers put under the questions of their neighbours.
    if (Math.floor(budget.promptsPerStep / method.minibatches) < 2) {
      throw userError(
        'batch-too-small',
        `KTO estimates how far the model has moved from answers under wrong questions, so an update needs at least 2 rows; here it has ${Math.floor(budget.promptsPerStep / method.minibatches)}.`,
        { where: 'budget.promptsPerStep', advice: 'Use more rows a step or fewer minibatches.' },
      );
    }
    if (method.desirableWeight === 0 && method.undesirableWeight === 0) {
      throw userError('nothing-to-learn', 'Both weights of KTO are 0, so nothing would be learnt.', {
        where: 'method.desirableWeight',
        advice: 'Give at least one of them a weight above 0.',
      });
    }
  },
};
