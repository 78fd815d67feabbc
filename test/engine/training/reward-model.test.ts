/** Training a reward model on a real network: it learns, resumes bit by bit, and its folder serves as a reward. */
import { createHash } from 'node:crypto';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainerEventSchema } from '../../../src-main/contract/events.ts';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import { fileURLToPath } from 'node:url';
import { resolveExperimentPaths } from '../../../src-main/app/experiment-paths.ts';
import { runConfigSchema } from '../../../src-main/contract/experiment.ts';
import type { RunConfig } from '../../../src-main/contract/experiment.ts';
import { parseExperiment } from '../../../src-main/contract/parse-experiment.ts';
import { rewardSchema } from '../../../src-main/contract/reward.ts';
import { rewardHeadName } from '../../../src-main/models/expected-tensors.ts';
import { openCheckpoint } from '../../../src-main/models/open-checkpoint.ts';
import { findCheckpoint } from '../../../src-main/training/checkpoint.ts';
import { createRewardModelGrader } from '../../../src-main/training/reward-model-grader.ts';
import { openRewardFixture, openRewardStore, rewardModelFolder } from '../../helpers/reward-fixtures.ts';
import { modelFolder, newFolder, runConfig, trainHere } from './run-folder.ts';

let root: string;
let pairs: string;
beforeAll(async () => {
  root = await newFolder();
  pairs = join(root, 'pairs.jsonl');
  // The better answer ends in 7; margins are read from a column.
  const rows = Array.from({ length: 24 }, (_, row) => ({
    prompt: `${row}=`,
    chosen: `${row % 10}${(row * 3) % 10}7`,
    rejected: `${(row + 3) % 10}${row % 7} no`,
    lead: row % 2 === 0 ? '' : '0.5',
  }));
  await writeFile(pairs, rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function rewardConfig(
  changes: {
    method?: Record<string, unknown>;
    budget?: Record<string, unknown>;
    model?: Record<string, unknown>;
    data?: Record<string, unknown>;
  } = {},
): RunConfig {
  const { method, budget, model, data } = changes;
  const config = runConfig(pairs, {
    data: { holdOut: 0.25, margin: '{lead}', ...data },
    method: { estimator: 'reward-model', groupSize: undefined, learningRate: 3e-3, ...method },
    budget: { steps: 4, promptsPerStep: 6, maxTokens: 8, evaluateEvery: 2, checkpointEvery: 2, ...budget },
    ...(model === undefined ? {} : { model }),
  });
  return { ...config, reward: undefined };
}

async function fingerprint(runDirectory: string): Promise<Record<string, string>> {
  const folder = (await findCheckpoint(runDirectory, 'last'))!;
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.safetensors'));
  const hashes = await Promise.all(
    names.sort().map(async (name) => {
      const content = await readFile(join(folder, name));
      return [name, createHash('sha256').update(content).digest('hex')] as const;
    }),
  );
  return Object.fromEntries(hashes);
}

const metricsOf = (events: readonly TrainerEvent[]) =>
  events.flatMap((event) => (event.type === 'step' ? [event.metrics] : []));
const evaluationsOf = (events: readonly TrainerEvent[]) =>
  events.flatMap((event) => (event.type === 'evaluation' ? [event] : []));
const computed = (events: readonly TrainerEvent[], fromStep: number) =>
  events.flatMap((event) =>
    event.type === 'step' && event.step > fromStep
      ? [Object.entries(event.metrics).filter(([name]) => !/econd|memory/.test(name))]
      : [],
  );

describe('is equal when resumed, bit by bit', () => {
  it.each([
    ['all weights', { centering: 0.01, weightDecay: 0.01 }],
    ['the head alone, in minibatches', { headOnly: true, epochs: 2, minibatches: 2, weightDecay: 0.01 }],
  ])('%s', async (name, method) => {
    const config = rewardConfig({ method });
    const whole = join(root, `${name} whole`);
    const first = await trainHere(config, whole);
    expect(first.events.at(-1)).toMatchObject({ type: 'end', status: 'done', summary: { steps: 4 } });
    for (const event of first.events) trainerEventSchema.parse(event);
    for (const metrics of metricsOf(first.events)) {
      expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
      expect(metrics['updatesLeftOut']).toBe(0);
    }
    const halves = join(root, `${name} halves`);
    await trainHere(config, halves, null, (event) => event.type === 'step' && event.step === 2);
    const rest = await trainHere(config, halves, await findCheckpoint(halves, 'last'));
    expect(computed(rest.events, 2)).toEqual(computed(first.events, 2));
    expect(await fingerprint(halves)).toEqual(await fingerprint(whole));
  });
});

it('begins at chance, learns, tells its calibration, and leaves a folder that grades', async () => {
  const directory = join(root, 'learns');
  const config = rewardConfig({ budget: { steps: 40, evaluateEvery: 20, checkpointEvery: 100 } });
  const { events } = await trainHere(config, directory);
  const metrics = metricsOf(events);
  expect(metrics[0]!['loss']!).toBeGreaterThan(0.5);
  expect(metrics.at(-1)!['loss']!).toBeLessThan(0.3);
  expect(metrics.at(-1)!['rewards/accuracies']!).toBeGreaterThan(0.9);
  const [, , last] = evaluationsOf(events);
  expect(last!.score).toBeGreaterThan(0.9);
  expect(last!.count).toBe(6);
  const binned = Object.entries(last!.components).filter(([name]) => /^calibration\/\d+\/pairs$/.test(name));
  expect(binned.reduce((sum, [, count]) => sum + count, 0)).toBe(6);
  expect(last!.components['calibrationError']).toBeGreaterThanOrEqual(0);

  const folder = join((await findCheckpoint(directory, 'best'))!, 'model');
  const saved = await openCheckpoint(folder);
  expect(saved.config.rewardHead).toBe(true);
  expect(saved.rawConfig).toMatchObject({
    architectures: ['LlamaForSequenceClassification'],
    id2label: { 0: 'reward' },
  });
  const grader = createRewardModelGrader(() => 4e9);
  const reward = rewardSchema.parse({ components: [{ kind: 'reward-model', models: [folder] }] });
  await grader.load(reward);
  const [component] = reward.components;
  if (component?.kind !== 'reward-model') throw new Error('another kind');
  const item = (response: string) =>
    ({
      prompt: '5=',
      response,
      reference: '',
      row: {},
      finish: 'stop',
      tokens: null,
      maxTokens: null,
    }) as const;
  const [good, bad, again] = await grader.grade(component, [item('127'), item('31 no'), item('127')]);
  expect(good!.value!).toBeGreaterThan(bad!.value!);
  expect(again!.value).toBeCloseTo(good!.value!, 5);
  expect(good!.reason).toBe(`model ${good!.value!.toFixed(3)}`);
  await grader.dispose();

  // Going on from a reward model keeps its head: the loss begins where it ended.
  const further = await trainHere(
    rewardConfig({ model: { path: folder }, budget: { steps: 1 } }),
    join(root, 'further'),
  );
  expect(evaluationsOf(further.events)[0]!.score).toBe(last!.score);
});

it('serves in a run that learns from it', async () => {
  const config = runConfig(pairs, {
    reward: { components: [{ kind: 'reward-model', models: [rewardModelFolder('llama-gqa-tied-reward')] }] },
    budget: { steps: 2 },
  });
  const { events, outcome } = await trainHere(config, join(root, 'serves'));
  expect(outcome).toBe('done');
  for (const metrics of metricsOf(events)) {
    expect(metrics['ungradableShare']).toBe(0);
    expect(Number.isFinite(metrics['rewardMean'])).toBe(true);
  }
  const sample = events.flatMap((event) => (event.type === 'samples' ? event.samples : []))[0]!;
  expect(sample.reward.components[0]).toMatchObject({ name: 'reward-model', value: sample.reward.total });
});

it('the example that ships tells most held-out reviews apart after a third of its steps', async () => {
  const folder = fileURLToPath(new URL('../../../resources/experiments/', import.meta.url));
  const experiment = parseExperiment(await readFile(join(folder, 'third-run.json'), 'utf8'));
  const { vary: _vary, ...settings } = resolveExperimentPaths(experiment, folder);
  const budget = { ...settings.budget, steps: 40, evaluateEvery: 40 };
  const config = runConfigSchema.parse({ ...settings, budget, seed: 1 });
  const { events } = await trainHere(config, join(root, 'example'));
  const [before, after] = evaluationsOf(events);
  expect(before!.count).toBe(730);
  expect(Math.abs(before!.score - 0.5)).toBeLessThan(0.06);
  expect(after!.score).toBeGreaterThan(0.7);
});

describe('refuses', () => {
  const prepared = (config: RunConfig) => trainHere(config, join(root, 'refused'));
  it('a reward, which it would not use', async () => {
    const reward = rewardSchema.parse({ components: [{ kind: 'exact' }] });
    await expect(prepared({ ...rewardConfig(), reward })).rejects.toMatchObject({ code: 'reward-unused' });
  });
  it('a margin that is no number', async () => {
    const config = rewardConfig({ data: { margin: '{rejected}' } });
    await expect(prepared(config)).rejects.toMatchObject({
      code: 'data-margin',
      message: expect.stringMatching(/in row \d+ is no number/) as string,
    });
  });
  it('texts that are all too long', async () => {
    const config = rewardConfig({ budget: { maxPromptTokens: 1, maxTokens: 1 } });
    await expect(prepared(config)).rejects.toMatchObject({ code: 'pairs-too-long' });
  });
  it('a reward model where a language model is wanted, and the other way round', async () => {
    const path = rewardModelFolder('llama-gqa-tied-reward');
    const config = runConfig(pairs, { model: { path } });
    await expect(prepared(config)).rejects.toMatchObject({ code: 'model-is-reward-model' });
    const wrong = runConfig(pairs, {
      reward: { components: [{ kind: 'reward-model', models: [modelFolder] }] },
    });
    await expect(prepared(wrong)).rejects.toMatchObject({ code: 'model-is-language-model' });
    const missing = runConfig(pairs, {
      reward: { components: [{ kind: 'reward-model', models: ['/nowhere'] }] },
    });
    await expect(prepared(missing)).rejects.toMatchObject({
      code: 'reward-model-missing',
      where: expect.stringContaining('/nowhere') as string,
    });
  });
});

it('cuts the beginning of texts that are too long, and says so', async () => {
  const { checkpoint } = await openRewardFixture('llama-gqa-tied-reward');
  expect((await openRewardStore(checkpoint, false)).has(rewardHeadName)).toBe(true);
  const grader = createRewardModelGrader(() => 4e9);
  const reward = rewardSchema.parse({
    components: [{ kind: 'reward-model', models: [checkpoint.folder], maxTokens: 16 }],
  });
  const [component] = reward.components;
  if (component?.kind !== 'reward-model') throw new Error('another kind');
  const grade = async (prompt: string, response: string) =>
    (
      await grader.grade(component, [
        { prompt, response, reference: '', row: {}, finish: 'stop', tokens: null, maxTokens: null },
      ])
    )[0]!;
  const long = await grade('0123456789', '0123456789');
  expect(long.reason).toMatch(/; too long: the first 4 tokens were not read$/);
  expect(long.value).toBeCloseTo((await grade('456789', '0123456789')).value!, 5);
  const empty = await grade('', '');
  expect(empty).toMatchObject({ value: null });
  await grader.dispose();
});
