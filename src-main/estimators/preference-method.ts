/** What the methods that learn from pairs (DPO, KTO, ORPO, SimPO) have in common: no advantages, no clip, no group. */
import type { EstimatorSpec, PreferenceSpec } from '../contract/estimator.ts';
import type { BudgetConfig, MethodConfig } from '../contract/experiment.ts';
import type { Estimator, EstimatorDefaults } from './estimator.ts';
import { notApplicable, refuseUneven } from './validation.ts';

/** Defaults of methods that take their pairs from the data. */
export const datasetDefaults: EstimatorDefaults = { groupSize: 0, aggregation: 'tokenMean', clip: null };

export const referenceMemory = 'The model and its optimizer state, and a copy of the starting weights.';

/** A preference loss with nothing switched on. */
export const plainPreference: PreferenceSpec = {
  loss: 'sigmoid',
  beta: 0.1,
  labelSmoothing: 0,
  average: false,
  margin: 0,
  likelihood: 0,
  desirable: 1,
  undesirable: 1,
  reference: true,
};

/** The specification of a preference method; `samplesPerPrompt` 0 where pairs come from the data. */
export function preferenceMethodSpec(
  preference: PreferenceSpec,
  samplesPerPrompt: number,
  method: MethodConfig,
  budget: BudgetConfig,
): EstimatorSpec {
  return {
    plan: { samplesPerPrompt, greedy: false },
    advantage: { baseline: 'none', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' },
    surrogate: {
      kind: 'nll',
      ratio: 'token',
      clipLow: 0,
      clipHigh: 0,
      aggregation: 'tokenMean',
      constantLength: budget.maxTokens,
      epochs: method.epochs,
      samplerCap: null,
    },
    kl: { where: 'none', estimator: 'k1', coefficient: 0 },
    preference,
  };
}

/**
 * Checks common to preference methods.
 * @throws user errors for settings without meaning here, and for more minibatches than questions
 */
export function validatePreference(
  estimator: Pick<Estimator, 'title' | 'defaults' | 'settings'>,
  method: MethodConfig,
  budget: BudgetConfig,
): void {
  const fromData = estimator.defaults.groupSize === 0;
  const fields = [
    ...(fromData ? (['groupSize'] as const) : []),
    'aggregation',
    'clipLow',
    'clipHigh',
    'baseline',
    'baselineDecay',
    'entropyBonus',
  ] as const;
  for (const field of fields) {
    // The default of the form is taken as it is: it changes nothing.
    if (method[field] !== undefined && method[field] !== estimator.defaults.aggregation) {
      throw notApplicable(
        estimator,
        field,
        field === 'groupSize' ? 'it samples no answers' : 'it compares pairs of whole answers',
        'Leave it out, or choose a method that learns from rewards.',
      );
    }
  }
  if (method.kl.where !== 'none' || method.kl.coefficient > 0) {
    throw notApplicable(
      estimator,
      'kl',
      'its own loss says how far the model may move',
      'Set where to none and the coefficient to 0; beta does what a KL penalty does elsewhere.',
    );
  }
  if (method.minibatches > budget.promptsPerStep) {
    throw notApplicable(
      estimator,
      'minibatches',
      `${budget.promptsPerStep} questions a step cannot be cut into ${method.minibatches} updates`,
      `Use at most ${budget.promptsPerStep}.`,
    );
  }
  refuseUneven(budget.promptsPerStep, fromData ? 'rows' : 'questions', method);
}
