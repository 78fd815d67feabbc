/** Where weights, moments and gradients lie in the memory that they share. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createParameterStore, initialiseWeights } from '../../../src-main/runtime/load-weights.ts';
import type { ParameterShape } from '../../../src-main/runtime/parameter-store.ts';
import { ParameterStore } from '../../../src-main/runtime/parameter-store.ts';
import { tinyConfig } from '../../helpers/tiny-model.ts';

const vector: ParameterShape = { name: 'norm', shape: [5] };
const biases: ParameterShape[] = [
  { name: 'q.bias', shape: [3] },
  { name: 'k.bias', shape: [2] },
];
const alone: ParameterShape = { name: 'embedding', shape: [7, 3] };
const joined: ParameterShape[] = [
  { name: 'q', shape: [3, 3] },
  { name: 'k', shape: [2, 3] },
];
const groups = [[vector], [alone], biases, joined];

const floatsAt = (view: Float32Array): number => view.byteOffset / 4;

describe('layout', () => {
  it('puts matrices before vectors, groups on cache lines, members of a group side by side', async () => {
    const store = await ParameterStore.create(groups, true);
    expect(store.count).toBe(5 + 21 + 5 + 15);
    expect(store.parameters.map(({ name }) => name)).toEqual(groups.flat().map(({ name }) => name));
    const start = (name: string): number => floatsAt(store.weights(name));
    for (const first of ['norm', 'embedding', 'q.bias', 'q']) expect(start(first) % 16).toBe(0);
    expect(start('k')).toBe(start('q') + 9);
    expect(start('k.bias')).toBe(start('q.bias') + 3);
    for (const matrix of ['embedding', 'q', 'k'])
      for (const other of ['norm', 'q.bias', 'k.bias']) expect(start(matrix)).toBeLessThan(start(other));
    // The four sections are congruent.
    for (const { name } of store.parameters) {
      const offsets = [store.firstMoment(name), store.secondMoment(name), store.gradient(name)].map(
        (view) => floatsAt(view) - start(name),
      );
      expect(offsets).toEqual([offsets[0], 2 * offsets[0]!, 3 * offsets[0]!]);
      expect(offsets[0]! % 16).toBe(0);
    }
  });

  it('never lets two tensors share a float', async () => {
    const shape = fc.oneof(
      fc.tuple(fc.integer({ min: 1, max: 9 })),
      fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(shape, { minLength: 1, maxLength: 8 }), async (shapes) => {
        const store = await ParameterStore.create(
          shapes.map((one, index) => [{ name: `t${index}`, shape: one }]),
          true,
        );
        shapes.forEach((_, index) => {
          store.weights(`t${index}`).fill(index + 1);
          store.gradient(`t${index}`).fill(-index - 1);
          store.firstMoment(`t${index}`).fill(0.5);
          store.secondMoment(`t${index}`).fill(0.25);
        });
        shapes.forEach((one, index) => {
          const length = one.reduce((product, size) => product * size, 1);
          const filled = (value: number): number[] => new Array<number>(length).fill(value);
          expect([...store.weights(`t${index}`)]).toEqual(filled(index + 1));
          expect([...store.gradient(`t${index}`)]).toEqual(filled(-index - 1));
        });
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  it('gives views: rows, groups and copies', async () => {
    const store = await ParameterStore.create(groups, true);
    store.weights('embedding').set(Array.from({ length: 21 }, (_, index) => index));
    expect([...store.weights('embedding', [2, 4])]).toEqual([6, 7, 8, 9, 10, 11]);
    store.weights('embedding', [6, 7])[0] = 100;
    expect(store.weights('embedding')[18]).toBe(100);
    store.gradient('embedding', [1, 2]).fill(3);
    expect([...store.gradient('embedding').subarray(0, 7)]).toEqual([0, 0, 0, 3, 3, 3, 0]);

    store.weights('q').fill(1);
    store.weights('k').fill(2);
    expect([...store.joined(['q', 'k'])!]).toEqual([
      ...new Array<number>(9).fill(1),
      ...new Array<number>(6).fill(2),
    ]);
    expect(store.joined(['q.bias', 'k.bias'])).toHaveLength(5);
    expect(store.joined(['k', 'q'])).toBeNull();
    expect(store.joined(['embedding', 'q'])).toBeNull();
    expect(() => store.weights('other')).toThrow('internal: no parameter other');

    const copy = store.copyWeights();
    store.weights('k').fill(9);
    expect([...store.inCopy(copy, 'k')]).toEqual([2, 2, 2, 2, 2, 2]);
    expect([...store.inCopy(copy, 'embedding', [2, 3])]).toEqual([6, 7, 8]);
  });

  it('keeps what the sampler joins side by side in every architecture', async () => {
    for (const config of [
      tinyConfig({ qkvBias: true, mlpBias: true, outputBias: true }),
      tinyConfig({ architecture: 'qwen3' }),
    ]) {
      const store = await createParameterStore(config, false);
      const block = 'model.layers.1';
      const qkv = ['q', 'k', 'v'].map((part) => `${block}.self_attn.${part}_proj`);
      expect(store.joined(qkv.map((name) => `${name}.weight`))).not.toBeNull();
      if (config.qkvBias) expect(store.joined(qkv.map((name) => `${name}.bias`))).not.toBeNull();
      const mlp = ['gate', 'up'].map((part) => `${block}.mlp.${part}_proj`);
      expect(store.joined(mlp.map((name) => `${name}.weight`))).not.toBeNull();
      if (config.mlpBias) expect(store.joined(mlp.map((name) => `${name}.bias`))).not.toBeNull();
    }
  });

  it('refuses more than one memory holds, with advice', async () => {
    const huge = [[{ name: 'huge', shape: [300_000, 1000] }]];
    await expect(ParameterStore.create(huge, true)).rejects.toMatchObject({
      kind: 'environment',
      code: 'model-too-large',
    });
  });
});

describe('update', () => {
  it('decays matrices only, and scales the gradient', async () => {
    const store = await ParameterStore.create(groups, true);
    for (const { name } of store.parameters) store.weights(name).fill(1);
    store.clearGradients();
    store.update({
      step: 1,
      learningRate: 0.1,
      beta1: 0.9,
      beta2: 0.99,
      eps: 1e-8,
      weightDecay: 0.5,
      gradientScale: 1,
    });
    for (const { name, shape } of store.parameters)
      expect(new Set(store.weights(name))).toEqual(new Set([Math.fround(shape.length >= 2 ? 0.95 : 1)]));
  });

  it('norm of the gradient over all tensors, and none of the padding', async () => {
    const store = await ParameterStore.create(groups, true);
    for (const { name } of store.parameters) store.gradient(name).fill(2);
    expect(store.gradientNorm()).toBeCloseTo(Math.sqrt(4 * 46), 12);
    store.clearGradients();
    expect(store.gradientNorm()).toBe(0);
  });
});

describe('random weights', () => {
  it('are normal, repeatable from the seed, and leave norms at 1 and biases at 0', async () => {
    const config = tinyConfig({ vocabularySize: 400, qkvBias: true });
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => createParameterStore(config, true)));
    initialiseWeights(a!, config, 5);
    initialiseWeights(b!, config, 5);
    initialiseWeights(c!, config, 6);
    expect(a!.copyWeights()).toEqual(b!.copyWeights());
    expect(a!.copyWeights()).not.toEqual(c!.copyWeights());
    const table = [...a!.weights('model.embed_tokens.weight')];
    const mean = table.reduce((sum, value) => sum + value, 0) / table.length;
    const deviation = Math.sqrt(table.reduce((sum, value) => sum + (value - mean) ** 2, 0) / table.length);
    expect(Math.abs(mean)).toBeLessThan((4 * 0.02) / Math.sqrt(table.length));
    expect(deviation / 0.02).toBeGreaterThan(0.97);
    expect(deviation / 0.02).toBeLessThan(1.03);
    expect(new Set(a!.weights('model.norm.weight'))).toEqual(new Set([1]));
    expect(new Set(a!.weights('model.layers.0.self_attn.q_proj.bias'))).toEqual(new Set([0]));
  });
});
