/** TRePO: the terms of the trajectory policy gradient theorem, estimated by continuations at random places of answers. */
import { anchoredSpec, anchorSettings, validateAnchored, type AnchorDefaults } from './anchored.ts';
import { policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 4, aggregation: 'constant', clip: { low: 0.2, high: 0.2 } },
  greedy: false,
  advantage: { baseline: 'anchors', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' },
  loss: 'clipped',
};
const anchors: AnchorDefaults = {
  rule: 'coins',
  continuations: 4,
  between: 'segment',
  rules: ['coins', 'stride'],
};

export const trepo: Estimator = {
  name: 'trepo',
  title: 'TRePO',
  description:
    'Looks into answers at random places and credits the tokens between two looks with the change of the reward to be expected.',
  cost: {
    generations:
      'A group of answers for each question (4 by default), and 4 continuations to the end from the question and from about 4 places of the longest answer.',
    memory: policyMemory,
  },
  choose: 'When long answers should be told apart by their parts, without a second network.',
  settings: [...anchorSettings, 'anchorChance', 'anchorBetween'],
  defaults: traits.defaults,
  spec: (method, budget) => anchoredSpec(traits, anchors, method, budget),
  validate: (method, budget) => validateAnchored(trepo, anchors, method, budget),
};
