/** Online DPO: pairs are made while training, from the best and the worst of fresh answers to a question. */
import { userError } from '../contract/errors.ts';
import { dpoPreference, dpoSettings, validateDpoLoss } from './dpo.ts';
import type { Estimator } from './estimator.ts';
import { preferenceMethodSpec, referenceMemory, validatePreference } from './preference-method.ts';

const defaults = { groupSize: 2, aggregation: 'tokenMean', clip: null } as const;

export const onlineDpo: Estimator = {
  name: 'online-dpo',
  title: 'Online DPO',
  description:
    'Asks each question twice, lets the reward say which answer is better, and learns from the pair.',
  choose: 'When rewards say only which of two answers is better.',
  cost: {
    generations: 'Two answers for each question (more if asked for: best against worst).',
    memory: referenceMemory,
  },
  defaults,
  settings: ['groupSize', ...dpoSettings],
  spec: (method, budget) =>
    preferenceMethodSpec(dpoPreference(method), method.groupSize ?? defaults.groupSize, method, budget),
  validate(method, budget) {
    const groupSize = method.groupSize ?? defaults.groupSize;
    if (groupSize < 2) {
      throw userError('group-too-small', 'Online DPO makes a pair of two answers to the same question.', {
        where: 'method.groupSize',
        advice: 'Use 2 or more.',
      });
    }
    validatePreference(onlineDpo, method, budget);
    validateDpoLoss(method);
  },
};
