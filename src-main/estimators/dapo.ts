/** DAPO: GRPO with more room upward in the clip, further questions for those without signal, and a cost of long answers. */
import { userError } from '../contract/errors.ts';
import { onlineSpec, policyMemory, type Estimator, type OnlineTraits } from './estimator.ts';
import { refuseBaseline, validateOnline } from './validation.ts';

const traits: OnlineTraits = {
  defaults: { groupSize: 16, aggregation: 'tokenMean', clip: { low: 0.2, high: 0.28 } },
  greedy: false,
  advantage: { baseline: 'groupMean', scale: 'groupStd', ddof: 1, eps: 1e-6, klFold: 'toGo' },
  loss: 'clipped',
};

/** Rounds of further questions, share of the longest answer that costs, and what it costs at most. */
const usual = { redraws: 3, bufferShare: 1 / 5, penalty: 1 };

export const dapo: Estimator = {
  name: 'dapo',
  title: 'DAPO',
  description:
    'Like GRPO, but questions whose answers are all equally good are replaced by further ones, and very long answers cost reward.',
  cost: {
    generations:
      'A group of answers for each question (16 by default, at least 2), and as many again for each question that is replaced: up to four times as many with the usual 3 rounds.',
    memory: policyMemory,
  },
  choose: 'When many questions are too easy or too hard to teach anything.',
  settings: ['groupSize', 'redraws', 'overlongBuffer', 'overlongPenalty'],
  defaults: traits.defaults,
  spec(method, budget) {
    const spec = onlineSpec(traits, method, budget);
    const buffer = method.overlongBuffer ?? Math.floor(budget.maxTokens * usual.bufferShare);
    const factor = method.overlongPenalty ?? usual.penalty;
    return {
      ...spec,
      plan: { ...spec.plan, redraws: method.redraws ?? usual.redraws },
      ...(buffer > 0 && factor > 0 ? { overlong: { buffer, factor } } : {}),
    };
  },
  validate(method, budget) {
    refuseBaseline(dapo, method);
    validateOnline(dapo, 2, method, budget);
    const { overlongBuffer, overlongPenalty } = method;
    if (overlongBuffer !== undefined && overlongBuffer >= budget.maxTokens) {
      throw userError(
        'overlong-buffer-too-long',
        `With ${overlongBuffer} tokens before the longest answer of ${budget.maxTokens} every answer would lose reward for its length.`,
        {
          where: 'method.overlongBuffer',
          advice: `Use fewer than ${budget.maxTokens}, for example ${Math.floor(budget.maxTokens / 5)}; or 0 for no penalty.`,
        },
      );
    }
    if (overlongBuffer === 0 && overlongPenalty !== undefined && overlongPenalty > 0) {
      throw userError(
        'overlong-penalty-nowhere',
        `A penalty of ${overlongPenalty} for long answers has no effect while overlongBuffer is 0.`,
        {
          where: 'method.overlongPenalty',
          advice: 'Set overlongBuffer to the tokens in which it sets in, or leave both out.',
        },
      );
    }
  },
};
