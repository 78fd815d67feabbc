/** Every estimator runs on a real model: finite numbers, weights that moved, its own metrics. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { estimatorNames } from '../../../src-main/contract/estimator.ts';
import { estimatorSpec } from '../../../src-main/estimators/index.ts';
import { newFolder, runConfig, trainHere, writeQuestions } from './run-folder.ts';

let root: string;
let data: string;
beforeAll(async () => {
  root = await newFolder();
  data = await writeQuestions(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Settings that make sure of a signal: values inside answers are looked for after every token. */
const own: Partial<Record<(typeof estimatorNames)[number], object>> = {
  vineppo: { groupSize: 4, anchorRule: 'stride', anchorStride: 1, continuations: 8 },
  trepo: { groupSize: 4, anchorChance: 0.6, continuations: 8 },
};

/** Methods that learn from pairs have tests of their own. */
const compared = ['dpo', 'kto', 'orpo', 'simpo', 'online-dpo', 'reward-model'];

it.each(estimatorNames.filter((name) => !compared.includes(name)))('%s', async (estimator) => {
  const plain = runConfig(data, { method: { estimator, groupSize: undefined } });
  const { plan, surrogate } = estimatorSpec(plain.method, plain.budget);
  const sampling = plan.samplesPerPrompt > 0;
  const ratios = surrogate.kind !== 'nll';
  const method = {
    estimator,
    groupSize: sampling ? 32 : undefined,
    minibatches: 2,
    ...(ratios ? { kl: { where: 'reward', estimator: 'k1', coefficient: 0.01 } } : {}),
    ...own[estimator],
  };
  // Answers of one token, and many of them, so that a few are right by chance.
  const budget = {
    steps: 2,
    promptsPerStep: 8,
    maxTokens: sampling && plan.anchors === undefined ? 1 : 3,
    temperature: 2,
    evaluateEvery: 2,
    checkpointEvery: 2,
  };
  // Somewhere among three tokens the right digit comes often enough.
  const reward = plan.anchors ? { components: [{ kind: 'number', find: 'last' }] } : {};
  const config = runConfig(data, { method, budget, reward });
  const { events, outcome } = await trainHere(config, join(root, estimator));
  expect(outcome).toBe('done');
  const steps = events.filter((event) => event.type === 'step');
  expect(steps).toHaveLength(2);
  for (const { metrics } of steps) {
    expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
    expect(metrics).toMatchObject({ updates: 2, updatesLeftOut: 0 });
    if (ratios) expect(metrics).toHaveProperty('clipFrac');
    if (plan.anchors) {
      expect(metrics['anchorsPerAnswer']).toBeGreaterThan(1);
      expect(metrics['continuationTokens']).toBeGreaterThan(0);
    }
  }
  expect(steps.some(({ metrics }) => (metrics['gradientNorm'] ?? 0) > 0)).toBe(true);
  const samples = events.flatMap((event) => (event.type === 'samples' ? event.samples : []));
  const trained = samples.filter(({ split }) => split === 'train');
  if (plan.anchors)
    expect(trained.every(({ anchors }) => anchors![0]!.continuations.length === 8)).toBe(true);
});
