/** DPO and IPO: from pairs, the better answer gains on the worse one, measured against the starting model. */
import { userError } from '../contract/errors.ts';
import type { PreferenceSpec } from '../contract/estimator.ts';
import type { MethodConfig } from '../contract/experiment.ts';
import type { Estimator } from './estimator.ts';
import {
  datasetDefaults,
  plainPreference,
  preferenceMethodSpec,
  referenceMemory,
  validatePreference,
} from './preference-method.ts';

/** The loss that DPO's settings ask for; online DPO has the same. */
export function dpoPreference(method: MethodConfig): PreferenceSpec {
  const loss = method.preferenceLoss ?? 'sigmoid';
  return {
    ...plainPreference,
    loss,
    // Sums over long answers differ by far more than the lead that IPO aims at.
    average: loss === 'ipo',
    beta: method.beta ?? 0.1,
    labelSmoothing: method.labelSmoothing ?? (loss === 'robust' ? 0.1 : 0),
    likelihood: method.likelihoodWeight ?? 0,
  };
}

/** Settings of DPO's loss. */
export const dpoSettings = ['preferenceLoss', 'beta', 'labelSmoothing', 'likelihoodWeight'] as const;

/** @throws user error for label smoothing where the loss has none */
export function validateDpoLoss(method: MethodConfig): void {
  if (method.preferenceLoss === 'ipo' && (method.labelSmoothing ?? 0) > 0) {
    throw userError(
      'smoothing-without-effect',
      'The ipo form of the loss has no label smoothing: it aims at a fixed lead already.',
      {
        where: 'method.labelSmoothing',
        advice: 'Leave it out, or set preferenceLoss to sigmoid or robust.',
      },
    );
  }
}

export const dpo: Estimator = {
  name: 'dpo',
  title: 'DPO',
  description:
    'Learns from pairs of answers: the better one is to gain on the worse one, compared with the starting model.',
  choose: 'When you have pairs of answers and no reward that can be computed.',
  cost: { generations: 'None; the data holds pairs.', memory: referenceMemory },
  defaults: datasetDefaults,
  settings: dpoSettings,
  spec: (method, budget) => preferenceMethodSpec(dpoPreference(method), 0, method, budget),
  validate(method, budget) {
    validatePreference(dpo, method, budget);
    validateDpoLoss(method);
  },
};
