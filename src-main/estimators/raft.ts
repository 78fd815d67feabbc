/** RAFT, best-of-n: the best of several sampled answers is learnt word by word, like a right answer of a data set. */
import type { Estimator, EstimatorDefaults } from './estimator.ts';
import { notApplicable, refuseBaseline, validateOnline } from './validation.ts';

const defaults: EstimatorDefaults = { groupSize: 8, aggregation: 'tokenMean', clip: null };

export const raft: Estimator = {
  name: 'raft',
  title: 'RAFT (best of n)',
  description:
    'Samples several answers, keeps the best one (or all above a threshold) and learns it word by word.',
  cost: {
    generations: 'A group of answers for each question (8 by default).',
    memory: 'The model and its optimizer state.',
  },
  choose: 'When nothing may be pushed away, or as the simplest thing that can work.',
  settings: ['groupSize', 'keepFrom'],
  defaults,
  spec: (method, budget) => ({
    plan: { samplesPerPrompt: method.groupSize ?? defaults.groupSize, greedy: false },
    advantage: {
      baseline: 'keep',
      keepFrom: method.keepFrom ?? null,
      scale: 'none',
      ddof: 1,
      eps: 0,
      klFold: 'toGo',
    },
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
    refuseBaseline(raft, method);
    for (const field of ['clipLow', 'clipHigh', 'entropyBonus'] as const) {
      if (method[field] !== undefined) {
        throw notApplicable(
          raft,
          field,
          'it learns kept answers as they are, without a ratio',
          'Leave it out.',
        );
      }
    }
    if (method.kl.where !== 'none' || method.kl.coefficient > 0) {
      throw notApplicable(
        raft,
        'kl',
        'rewards only decide which answers are kept',
        'Set where to none and the coefficient to 0.',
      );
    }
    // With a threshold a single answer is either good enough or not; the best of one would be any answer.
    validateOnline(raft, method.keepFrom === undefined ? 2 : 1, method, budget);
  },
};
