/** Gradients of the critic through the whole network, against differences: as a head of the policy and as its own network. */
import { describe, expect, it } from 'vitest';
import { randomSequence } from '../../../src-main/contract/random.ts';
import { valueLoss } from '../../../src-main/estimators/value-loss.ts';
import { createCriticStore, createParameterStore } from '../../../src-main/runtime/load-weights.ts';
import type { ParameterStore } from '../../../src-main/runtime/parameter-store.ts';
import { createCritic } from '../../../src-main/training/compiled-critic.ts';
import { createLearner } from '../../../src-main/training/compiled-learner.ts';
import type { LossSequence } from '../../../src-main/training/learner.ts';
import { expectClose } from '../../helpers/compare.ts';
import { noKl, plainLoss } from '../../helpers/loss-forms.ts';
import { fillRandom, tinyConfig } from '../../helpers/tiny-model.ts';

const config = tinyConfig();
const clip = 0.3;
const coefficient = 0.7;
const rows = [
  [1, 2, 3, 4, 5],
  [7, 8, 9],
  [10, 11, 0, 1, 2, 3],
];

function sequences(values: readonly Float32Array[]): LossSequence[] {
  const next = randomSequence([4]);
  return rows.map((row, place) => {
    const length = row.length - 1;
    const draw = (of: () => number): Float32Array => Float32Array.from({ length }, of);
    return {
      promptIds: Int32Array.from(row.slice(0, 1)),
      answerIds: Int32Array.from(row.slice(1)),
      advantages: draw(() => next() - 0.5),
      oldLogprobs: null,
      referenceLogprobs: null,
      weights: draw(() => 0.1),
      valueTargets: {
        returns: draw(() => 2 * next() - 1),
        oldValues: values[place]!.map((value) => value + next() - 0.5),
        weights: draw(() => 0.1 + 0.1 * next()),
        clip,
        coefficient,
      },
    };
  });
}

const asked = rows.map((row) => ({
  promptIds: Int32Array.from(row.slice(0, 1)),
  answerIds: Int32Array.from(row.slice(1)),
}));

/** Loss of the critic by the formulas, from values of the network. */
function valueLossOf(given: readonly LossSequence[], values: readonly Float32Array[]): number {
  const answers = given.map(({ valueTargets }, place) => ({ ...valueTargets!, values: values[place]! }));
  return valueLoss(answers, clip).loss;
}

/** Slope of a function of the weights along a random direction, by a central difference. */
async function slopeAlong(
  store: ParameterStore,
  direction: ReadonlyMap<string, Float32Array>,
  of: () => Promise<number>,
): Promise<number> {
  const step = 3e-4;
  const move = (by: number): void => {
    for (const [name, part] of direction)
      store.weights(name).forEach((value, place, weights) => (weights[place] = value + by * part[place]!));
  };
  const before = store.parameters.map(({ name }) => [name, store.weights(name).slice()] as const);
  move(step);
  const above = await of();
  for (const [name, weights] of before) store.weights(name).set(weights);
  move(-step);
  const below = await of();
  for (const [name, weights] of before) store.weights(name).set(weights);
  return (above - below) / (2 * step);
}

function randomDirection(store: ParameterStore, seed: number): Map<string, Float32Array> {
  const next = randomSequence([seed]);
  return new Map(
    store.parameters.map(({ name }) => [name, store.weights(name).map(() => next() - 0.5)] as const),
  );
}

function along(store: ParameterStore, direction: ReadonlyMap<string, Float32Array>): number {
  let sum = 0;
  for (const [name, part] of direction) {
    const gradient = store.gradient(name);
    for (const [place, value] of part.entries()) sum += value * gradient[place]!;
  }
  return sum;
}

describe('a critic of its own', () => {
  it('has no vocabulary head, says values, and has the gradient of its loss', async () => {
    const store = await createCriticStore(config);
    fillRandom(store, 3);
    const critic = await createCritic({ config, store, microBatchTokens: 8 });
    const present = await critic.values(asked);
    expect(present.map((values) => values.length)).toEqual(rows.map((row) => row.length - 1));
    const given = sequences(present);
    const { loss, values } = await critic.accumulate(
      given.map((one) => ({ ...one, valueTargets: one.valueTargets! })),
    );
    expectClose([loss], [coefficient * valueLossOf(given, present)], { relative: 1e-5 }, 'loss');
    values.forEach((own, place) => expectClose(own, present[place]!, { absolute: 1e-5 }, 'values'));
    for (const seed of [1, 2, 3]) {
      const direction = randomDirection(store, seed);
      const slope = await slopeAlong(
        store,
        direction,
        async () => coefficient * valueLossOf(given, await critic.values(asked)),
      );
      expectClose([along(store, direction)], [slope], { relative: 0.03, absolute: 2e-3 }, 'slope');
    }
    await critic.dispose();
  });
});

describe('a head of the policy', () => {
  it('is learnt together with the policy, whose scores stay what they were', async () => {
    const plainStore = await createParameterStore(config, true);
    fillRandom(plainStore, 5);
    const store = await createParameterStore(config, true, true);
    fillRandom(store, 6);
    for (const { name } of plainStore.parameters) store.weights(name).set(plainStore.weights(name));
    const options = { config, microBatchTokens: 64, sourceFolder: '' };
    const plain = await createLearner({ ...options, store: plainStore });
    const learner = await createLearner({ ...options, store, valueHead: true });
    const scores = await learner.score(asked, 0.8);
    const plainScores = await plain.score(asked, 0.8);
    scores.forEach(({ logprobs }, place) =>
      expectClose(logprobs, plainScores[place]!.logprobs, { absolute: 1e-6 }, 'scores'),
    );
    const given = sequences(scores.map(({ values }) => values!));
    const { loss, valueLoss: ofValues } = await learner.accumulate(given, plainLoss, noKl, 0.8);
    const withoutValues = given.map(({ valueTargets: _, ...one }) => one);
    const policy = await plain.accumulate(withoutValues, plainLoss, noKl, 0.8);
    expectClose(
      [ofValues!],
      [
        valueLossOf(
          given,
          scores.map(({ values }) => values!),
        ),
      ],
      { relative: 1e-5 },
      'values',
    );
    expectClose([loss], [policy.loss + coefficient * ofValues!], { relative: 1e-5, absolute: 1e-6 }, 'loss');
    // What the head adds to the gradient is the gradient of the value loss.
    for (const { name } of plainStore.parameters) {
      const gradient = store.gradient(name);
      plainStore.gradient(name).forEach((value, place) => (gradient[place] = gradient[place]! - value));
    }
    for (const seed of [7, 8, 9]) {
      const direction = randomDirection(store, seed);
      const slope = await slopeAlong(store, direction, async () => {
        const moved = await learner.score(asked, 0.8);
        return (
          coefficient *
          valueLossOf(
            given,
            moved.map(({ values }) => values!),
          )
        );
      });
      expectClose([along(store, direction)], [slope], { relative: 0.03, absolute: 2e-3 }, 'slope');
    }
    await learner.dispose();
    await plain.dispose();
  });
});
