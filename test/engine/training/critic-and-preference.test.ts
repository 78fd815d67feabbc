/** PPO and the methods that learn from preferences, on a real model: they learn, and a resumed run is the same run. */
import { createHash } from 'node:crypto';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainerEventSchema } from '../../../src-main/contract/events.ts';
import type { TrainerEvent } from '../../../src-main/contract/events.ts';
import { findCheckpoint } from '../../../src-main/training/checkpoint.ts';
import { newFolder, runConfig, trainHere, writeQuestions } from './run-folder.ts';

let root: string;
let questions: string;
let pairs: string;
let judged: string;
beforeAll(async () => {
  root = await newFolder();
  questions = await writeQuestions(root);
  const rows = Array.from({ length: 12 }, (_, row) => ({
    prompt: `${row}=`,
    chosen: `${row % 10}7`,
    rejected: `${(row + 3) % 10} no`,
  }));
  pairs = join(root, 'pairs.jsonl');
  await writeFile(pairs, rows.map((row) => JSON.stringify(row)).join('\n'));
  judged = join(root, 'judged.jsonl');
  const verdicts = rows.flatMap(({ prompt, chosen, rejected }) => [
    { prompt, answer: chosen, label: true },
    { prompt, answer: rejected, label: 'no' },
  ]);
  await writeFile(judged, verdicts.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Hashes of every file of numbers of the newest checkpoint. */
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

function stepMetrics(events: readonly TrainerEvent[]): Readonly<Record<string, number>>[] {
  return events.flatMap((event) => (event.type === 'step' ? [event.metrics] : []));
}

/** What a run computed, without what a clock decides. */
function computed(events: readonly TrainerEvent[], fromStep = 0): unknown[] {
  return events.flatMap((event): unknown[] => {
    if (event.type !== 'step' || event.step <= fromStep) return [];
    return [Object.entries(event.metrics).filter(([name]) => !/econd|memory/.test(name))];
  });
}

const kl = { where: 'reward', estimator: 'k1', coefficient: 0.02, target: 0.05 } as const;
const online: [string, Record<string, unknown>][] = [
  ['PPO, own critic', { estimator: 'ppo', groupSize: 4, epochs: 2, minibatches: 2, lambda: 0.95 }],
  ['PPO, head', { estimator: 'ppo', groupSize: 4, critic: 'head', epochs: 2, kl }],
  ['online DPO', { estimator: 'online-dpo', groupSize: 4, beta: 0.3 }],
];
const fromData: [string, Record<string, unknown>][] = [
  ['DPO', { estimator: 'dpo' }],
  [
    'DPO, robust, smoothed, with imitation',
    { estimator: 'dpo', preferenceLoss: 'robust', likelihoodWeight: 0.2, minibatches: 2 },
  ],
  ['IPO', { estimator: 'dpo', preferenceLoss: 'ipo', epochs: 2 }],
  ['KTO', { estimator: 'kto', minibatches: 2, epochs: 2 }],
  ['ORPO', { estimator: 'orpo' }],
  ['SimPO', { estimator: 'simpo', labelSmoothing: 0.1 }],
];

describe('is equal when resumed, bit by bit', () => {
  const budget = { steps: 4, promptsPerStep: 4, maxTokens: 6, evaluateEvery: 2, checkpointEvery: 2 };
  const all = [
    ...online.map(([name, method]) => ({ name, method, data: () => questions, reward: undefined })),
    ...fromData.map(([name, method]) => ({ name, method, data: () => pairs, reward: null })),
    { name: 'KTO, verdicts', method: { estimator: 'kto' }, data: () => judged, reward: null },
  ];
  it.each(all)('$name', async ({ name, method, data, reward }) => {
    const base = runConfig(data(), {
      method: { groupSize: undefined, learningRate: 1e-3, ...method },
      budget:
        name.includes('DPO') && reward === undefined ? { ...budget, temperature: 2, maxTokens: 1 } : budget,
      ...(name === 'KTO, verdicts' ? { data: { label: '{label}' } } : {}),
    });
    const config = reward === null ? { ...base, reward: undefined } : base;
    const whole = join(root, `${name} whole`);
    const first = await trainHere(config, whole);
    expect(first.events.at(-1)).toMatchObject({ type: 'end', status: 'done', summary: { steps: 4 } });
    for (const event of first.events) trainerEventSchema.parse(event);
    for (const metrics of stepMetrics(first.events)) {
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

describe('learns from pairs', () => {
  it.each(fromData)('%s', async (name, method) => {
    const config = runConfig(pairs, {
      data: { holdOut: 0.25 },
      method: { groupSize: undefined, learningRate: 3e-3, ...method },
      budget: { steps: 25, promptsPerStep: 8, maxTokens: 8, evaluateEvery: 25, checkpointEvery: 50 },
    });
    const { events } = await trainHere({ ...config, reward: undefined }, join(root, `${name} learns`));
    const metrics = stepMetrics(events);
    expect(metrics.at(-1)!['loss']!).toBeLessThan(0.8 * metrics[0]!['loss']!);
    expect(metrics.at(-1)!['rewards/margins']!).toBeGreaterThan(metrics[0]!['rewards/margins']!);
    const scores = events.flatMap((event) => (event.type === 'evaluation' ? [event.score] : []));
    expect(scores.at(-1)).toBeGreaterThan(0.9);
    if (method['estimator'] === 'dpo') expect(scores[0]).toBe(0.5);
  });
});

describe('learns from rewards', () => {
  const sevens = async (): Promise<string> => {
    const path = join(root, 'sevens.jsonl');
    const rows = Array.from({ length: 12 }, (_, row) => ({ prompt: `${row}?`, answer: '7' }));
    await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
    return path;
  };
  it.each([
    ['PPO with a critic of its own', { estimator: 'ppo', groupSize: 16 }],
    ['PPO with a head', { estimator: 'ppo', groupSize: 16, critic: 'head' }],
    ['online DPO', { estimator: 'online-dpo', groupSize: 16, beta: 0.1 }],
  ])('%s', async (name, method) => {
    const config = runConfig(await sevens(), {
      reward: { components: [{ kind: 'number', find: 'last' }] },
      method: { learningRate: 5e-3, ...method },
      budget: { steps: 60, promptsPerStep: 8, evaluateEvery: 60, checkpointEvery: 100 },
    });
    const { events } = await trainHere(config, join(root, `${name} learns`));
    // A head learns more slowly: its trunk serves two masters.
    expect(events.at(-1)).toMatchObject({ type: 'end', summary: { before: 0 } });
    const scores = events.flatMap((event) => (event.type === 'evaluation' ? [event.score] : []));
    expect(scores.at(-1)).toBeGreaterThan('critic' in method ? 0.6 : 0.99);
    if (method.estimator !== 'ppo') return;
    const metrics = stepMetrics(events);
    expect(metrics.at(-1)!['valueLoss']!).toBeLessThan(Math.max(...metrics.map((one) => one['valueLoss']!)));
    expect(metrics.at(-1)!['valuesMean']!).toBeGreaterThan(0.5);
  });
});
