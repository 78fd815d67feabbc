import { expect, it } from 'vitest';
import { memoryPlan, requireMemory } from '../../../src-main/app/memory-plan.ts';
import { exampleConfig } from '../../fixtures/app/example-sample.ts';
import { fixtureModels } from './service-bench.ts';

const lengths = { longestPrompt: 20, longestAnswer: 5 };
const plan = (changes: object, available: number, texts = lengths) =>
  memoryPlan(
    exampleConfig({ model: { path: `${fixtureModels}/llama-mha` }, ...changes }),
    '/none',
    texts,
    available,
  );
const bytes = async (changes: object, name: string, texts = lengths) =>
  (await plan(changes, 1e12, texts)).parts.find((part) => part.name === name)?.bytes ?? 0;

it('refuses a start that does not fit, naming the largest part', async () => {
  const small = await plan({}, 1_000_000);
  expect(small.fits).toBe(false);
  expect(() => requireMemory(small)).toThrow(/Training needs about .* of memory; 0\.0 GB are free/);
  const large = await plan({}, 1e12);
  expect(large.fits).toBe(true);
  expect(() => requireMemory(large)).not.toThrow();
});

it('counts optimizer, reference model and sampling cache by what the settings need', async () => {
  const weights = await bytes({}, 'weights');
  expect(await bytes({}, 'optimizer')).toBe(2 * weights);
  expect(await bytes({}, 'reference model')).toBe(0);
  const kl = { method: { kl: { where: 'loss', estimator: 'k2', coefficient: 0.1 } } };
  expect(await bytes(kl, 'reference model')).toBe(weights);
  const bonus = { method: { entropyBonus: 0.01 } };
  expect(await bytes(bonus, 'activations')).toBeGreaterThan(await bytes({}, 'activations'));
  expect(await bytes({}, 'sampling cache')).toBeGreaterThan(0);
  expect(await bytes({ method: { estimator: 'sft' }, reward: undefined }, 'sampling cache')).toBe(0);
});

it('does not count on questions longer than those of the data', async () => {
  const model = { path: `${fixtureModels}/llama-mha`, chat: 'off' };
  const changes = { model, budget: { steps: 1, maxTokens: 8, maxPromptTokens: 100_000 } };
  const short = await bytes(changes, 'sampling cache');
  expect(short).toBeLessThan(
    await bytes(changes, 'sampling cache', { longestPrompt: 1e6, longestAnswer: 5 }),
  );
});
