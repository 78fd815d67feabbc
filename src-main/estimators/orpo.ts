/** ORPO: supervised learning of the better answer, and at the same time its odds against the worse one. */
import type { Estimator } from './estimator.ts';
import {
  datasetDefaults,
  plainPreference,
  preferenceMethodSpec,
  validatePreference,
} from './preference-method.ts';

export const orpo: Estimator = {
  name: 'orpo',
  title: 'ORPO',
  description:
    'Learns the better answers word by word and lowers the odds of the worse ones, in one step and without a second model.',
  choose:
    'When the model has not seen such answers yet and pairs are at hand: imitation and preference in one.',
  cost: { generations: 'None; the data holds pairs.', memory: 'The model and its optimizer state.' },
  defaults: datasetDefaults,
  settings: ['beta'],
  spec: (method, budget) =>
    preferenceMethodSpec(
      {
        ...plainPreference,
        loss: 'orpo',
        beta: method.beta ?? 0.1,
        average: true,
        likelihood: 1,
        reference: false,
      },
      0,
      method,
      budget,
    ),
  validate: (method, budget) => {
    validatePreference(orpo, method, budget);
  },
};
