/** Every estimator runs on a real model: two updates on each batch, finite numbers, weights that moved, its own metrics. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { estimatorNames } from '../../../src-main/contract/estimator.ts';
import { estimators } from '../../../src-main/estimators/index.ts';
import { newFolder, runConfig, trainHere, writeQuestions } from './run-folder.ts';

let root: string;
let data: string;
beforeAll(async () => {
  root = await newFolder();
  data = await writeQuestions(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Methods that learn from pairs have tests of their own. */
const compared = ['dpo', 'kto', 'orpo', 'simpo', 'online-dpo'];

it.each(estimatorNames.filter((name) => !compared.includes(name)))('%s', async (estimator) => {
  const sampling = estimators[estimator].defaults.groupSize > 0;
  const method = {
    estimator,
    groupSize: sampling ? 32 : undefined,
    minibatches: 2,
    ...(sampling ? { kl: { where: 'reward', estimator: 'k1', coefficient: 0.01 } } : {}),
  };
  // Answers of one token, and many of them, so that a few are right by chance.
  const budget = {
    steps: 2,
    promptsPerStep: 8,
    maxTokens: sampling ? 1 : 3,
    temperature: 2,
    evaluateEvery: 2,
    checkpointEvery: 2,
  };
  const { events, outcome } = await trainHere(runConfig(data, { method, budget }), join(root, estimator));
  expect(outcome).toBe('done');
  const steps = events.filter((event) => event.type === 'step');
  expect(steps).toHaveLength(2);
  for (const { metrics } of steps) {
    expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
    expect(metrics).toMatchObject({ updates: 2, updatesLeftOut: 0 });
    if (sampling) expect(metrics).toHaveProperty('clipFrac');
  }
  expect(steps.some(({ metrics }) => (metrics['gradientNorm'] ?? 0) > 0)).toBe(true);
});
