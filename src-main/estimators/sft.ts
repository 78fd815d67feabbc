/** SFT: no rewards and no sampling; the model learns the reference answers as they stand. */
import type { Estimator, EstimatorDefaults } from './estimator.ts';
import { notApplicable, refuseForeign, refuseUneven } from './validation.ts';

const defaults: EstimatorDefaults = { groupSize: 0, aggregation: 'tokenMean', clip: null };

export const sft: Estimator = {
  name: 'sft',
  title: 'Imitation (SFT)',
  description: 'Learns the right answers of the training file word by word (supervised fine-tuning).',
  cost: { generations: 'None.', memory: 'The model and its optimizer state.' },
  choose: 'To give a model a first idea of a task, before rewards.',
  settings: [],
  defaults,
  spec: (method, budget) => ({
    plan: { samplesPerPrompt: 0, greedy: false },
    advantage: { baseline: 'none', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' },
    surrogate: {
      kind: 'nll',
      ratio: 'token',
      clipLow: 0,
      clipHigh: 0,
      aggregation: method.aggregation ?? defaults.aggregation,
      constantLength: budget.maxTokens,
      epochs: method.epochs,
      samplerCap: null,
    },
    kl: { where: 'none', estimator: 'k1', coefficient: 0 },
  }),
  validate(method, budget) {
    refuseForeign(sft, method);
    for (const field of [
      'groupSize',
      'clipLow',
      'clipHigh',
      'baseline',
      'baselineDecay',
      'entropyBonus',
    ] as const) {
      if (method[field] !== undefined) {
        throw notApplicable(
          sft,
          field,
          'it samples no answers',
          'Leave it out, or choose a method that learns from rewards.',
        );
      }
    }
    if (method.kl.where !== 'none' || method.kl.coefficient > 0) {
      throw notApplicable(
        sft,
        'kl',
        'a KL penalty needs answers sampled from the model',
        'Set where to none and the coefficient to 0.',
      );
    }
    if (method.minibatches > budget.promptsPerStep) {
      throw notApplicable(
        sft,
        'minibatches',
        `${budget.promptsPerStep} rows a step cannot be cut into ${method.minibatches} updates`,
        `Use at most ${budget.promptsPerStep}.`,
      );
    }
    refuseUneven(budget.promptsPerStep, 'rows', method);
  },
};
