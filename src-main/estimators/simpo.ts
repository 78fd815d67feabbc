/** SimPO: pairs by their mean log-probability per token, with a wanted lead and without a reference model. */
import type { Estimator } from './estimator.ts';
import {
  datasetDefaults,
  plainPreference,
  preferenceMethodSpec,
  validatePreference,
} from './preference-method.ts';

/** The paper's values where an experiment sets none: γ is just over half of β. */
export const simpoDefaults = { beta: 2.5, margin: 1.375 } as const;

export const simpo: Estimator = {
  name: 'simpo',
  title: 'SimPO',
  description:
    'Learns from pairs without a second model: per word, the better answer is to be likelier by a set lead.',
  choose: 'When memory is short and answers of very different lengths are compared.',
  cost: { generations: 'None; the data holds pairs.', memory: 'The model and its optimizer state.' },
  defaults: datasetDefaults,
  settings: ['beta', 'margin', 'labelSmoothing', 'likelihoodWeight'],
  spec: (method, budget) =>
    preferenceMethodSpec(
      {
        ...plainPreference,
        loss: 'simpo',
        beta: method.beta ?? simpoDefaults.beta,
        margin: method.margin ?? simpoDefaults.margin,
        labelSmoothing: method.labelSmoothing ?? 0,
        likelihood: method.likelihoodWeight ?? 0,
        average: true,
        reference: false,
      },
      0,
      method,
      budget,
    ),
  validate: (method, budget) => {
    validatePreference(simpo, method, budget);
  },
};
