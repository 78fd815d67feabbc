/** VinePPO: each step of an answer is worth the difference of the values after and before it, by fresh continuations. */
import { anchoredSpec, anchorSettings, validateAnchored, type AnchorDefaults } from './anchored.ts';
import { policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 8, aggregation: 'constant', clip: { low: 0.2, high: 0.2 } },
  greedy: false,
  advantage: { baseline: 'anchors', scale: 'none', ddof: 1, eps: 0, klFold: 'toGo' },
  loss: 'clipped',
};
const anchors: AnchorDefaults = {
  rule: 'lines',
  continuations: 9,
  between: 'segment',
  rules: ['lines', 'stride'],
};

export const vineppo: Estimator = {
  name: 'vineppo',
  title: 'VinePPO',
  description:
    'Cuts answers into steps and credits each step with what it changed: the mean reward of fresh ends after it, less that before it.',
  cost: {
    generations:
      'A group of answers for each question (8 by default), and for each line of each answer 9 continuations to its end.',
    memory: policyMemory,
  },
  choose: 'With answers in lines or steps, when it matters which step was right.',
  settings: anchorSettings,
  defaults: traits.defaults,
  spec: (method, budget) => anchoredSpec(traits, anchors, method, budget),
  validate: (method, budget) => validateAnchored(vineppo, anchors, method, budget),
};
