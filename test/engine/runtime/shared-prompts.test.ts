/** Answers to one prompt share its tokens in a row of the learner; that must change nothing but rounding. */
import { describe, expect, it } from 'vitest';
import { planBatches } from '../../../src-main/training/batch-plan.ts';
import { expectClose, largestSize } from '../../helpers/compare.ts';
import type { LossResult } from '../../../src-main/training/learner.ts';
import { noKl, plainLoss } from '../../helpers/loss-forms.ts';
import { lossSequence, openFixture, openLearner } from '../../helpers/model-fixtures.ts';

const prompts = [[5, 9, 31, 7, 12, 40, 8, 77, 21], [60, 3, 44], [90]];
/** Three answers to each prompt. */
const sequences = prompts.flatMap((prompt, group) =>
  [
    [11, 50, 2],
    [13, 17, 19, 23, 2],
    [70 + group, 2],
  ].map((answer, place) => {
    const sequence = lossSequence([...prompt, ...answer], prompt.length, 1 / 30);
    return { ...sequence, advantages: sequence.advantages.map((_, token) => place - 1 + 0.1 * token) };
  }),
);

describe.each(['llama-gqa-tied', 'mistral', 'qwen3', 'gpt2'])('%s', (name) => {
  it('gives the same log-probabilities and gradients as each answer alone', async () => {
    const fixture = await openFixture(name);
    const { store, learner } = await openLearner(fixture);
    // The answers of a group share a trunk here, or this test would show nothing.
    const planned = planBatches(sequences, 4096, 1000).flatMap(({ layout }) => layout.places);
    expect(planned.filter(({ trunk }) => trunk !== undefined).length).toBeGreaterThanOrEqual(6);

    const together = await learner.accumulate(sequences, plainLoss, noKl, 0.8);
    const gradients = store.parameters.map(({ name: parameter }) => store.gradient(parameter).slice());
    learner.step({ learningRate: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, clipNorm: null });
    const alone: LossResult[] = [];
    for (const sequence of sequences) alone.push(await learner.accumulate([sequence], plainLoss, noKl, 0.8));
    expect(together.loss).toBeCloseTo(
      alone.reduce((sum, { loss }) => sum + loss, 0),
      5,
    );
    together.scores.forEach(({ logprobs }, index) =>
      expectClose(logprobs, alone[index]!.scores[0]!.logprobs, { absolute: 2e-5 }, `answer ${index}`),
    );
    store.parameters.forEach(({ name: parameter }, index) => {
      const gradient = store.gradient(parameter);
      expectClose(gradients[index]!, gradient, { absolute: 5e-5 * largestSize(gradient) }, parameter);
    });
    await learner.dispose();
  });
});
