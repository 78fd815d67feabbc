/** What the rules of a reward do to a run: answers that were cut off, evening out, gates, and kinds that nobody grades. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findCheckpoint } from '../../../src-main/training/checkpoint.ts';
import { readLoopState } from '../../../src-main/training/loop-state.ts';
import { trainLoop } from '../../../src-main/training/train-loop.ts';
import { eventsOf, makeRun, temporaryFolder } from './loop-parts.ts';
import type { Changes, TestRun } from './loop-parts.ts';

const root = temporaryFolder();
afterAll(() => rm(root, { recursive: true, force: true }));
let folders = 0;
async function train(changes: Changes): Promise<TestRun & { folder: string }> {
  const run = makeRun(changes);
  const folder = join(root, String(folders++));
  await mkdir(folder);
  await trainLoop(run.parts, folder, null);
  return { ...run, folder };
}

const answersOf = (run: TestRun) => eventsOf(run.events, 'samples').flatMap(({ samples }) => samples);
const metricsOf = (run: TestRun) => eventsOf(run.events, 'step').map(({ metrics }) => metrics);

describe('answers that were cut off', () => {
  const masked = { components: [{ kind: 'exact' }], truncated: 'mask' };

  it('leave the learning signal without counting as not gradable', async () => {
    const run = await train({ rewardConfig: masked, budget: { steps: 30 } });
    expect(run.events.at(-1)).toMatchObject({ type: 'end', status: 'done' });
    const trained = answersOf(run).filter(({ split }) => split === 'train');
    const cut = trained.filter(({ finish }) => finish === 'length');
    expect(cut.length).toBeGreaterThan(20);
    for (const { reward, advantages } of cut) {
      expect(reward).toMatchObject({ total: null, masked: true });
      expect(reward.components[0]?.value).not.toBeNull();
      expect(advantages?.every((value) => value === 0)).toBe(true);
    }
    expect(trained.some(({ reward }) => reward.total !== null && !reward.masked)).toBe(true);
    for (const metrics of metricsOf(run)) {
      expect(metrics['ungradableShare']).toBe(0);
      expect(metrics['maskedShare']).toBe(metrics['truncatedShare']);
    }
    const [first] = eventsOf(run.events, 'evaluation');
    const last = eventsOf(run.events, 'evaluation').at(-1);
    expect(last?.score).toBeGreaterThan(first!.score);
  });

  it('are graded as they are when held out', async () => {
    const run = await train({ rewardConfig: masked, budget: { steps: 1 } });
    const heldOut = answersOf(run).filter(({ split }) => split === 'evaluation');
    expect(heldOut.some(({ finish }) => finish === 'length')).toBe(true);
    expect(heldOut.every(({ reward }) => reward.total !== null && reward.masked !== true)).toBe(true);
  });

  it('teach nothing when all of them were', async () => {
    // No answer can end within its only token, so every one is left out.
    const run = makeRun({ rewardConfig: masked, budget: { steps: 2, maxTokens: 1 } });
    const before = run.policy.table.slice();
    const parts = { ...run.parts, stopIds: [] };
    const folder = join(root, String(folders++));
    await mkdir(folder);
    expect(await trainLoop(parts, folder, null)).toBe('done');
    expect(metricsOf(run).map((metrics) => metrics['maskedShare'])).toEqual([1, 1]);
    expect(run.policy.table).toEqual(before);
  });

  it('lose the penalty, where they are penalised', async () => {
    const rewardConfig = { ...masked, truncated: 'penalise', truncatedPenalty: 0.5 };
    const run = await train({ rewardConfig, budget: { steps: 3 } });
    for (const { finish, reward } of answersOf(run))
      expect(reward.total).toBe((reward.components[0]?.value ?? 0) - (finish === 'length' ? 0.5 : 0));
    expect(metricsOf(run)[0]).not.toHaveProperty('maskedShare');
  });

  it('do not make DAPO keep their questions', async () => {
    const method = { estimator: 'dapo', groupSize: 4, redraws: 1, overlongPenalty: 0 };
    const run = await train({ rewardConfig: masked, method, budget: { steps: 3, promptsPerStep: 2 } });
    expect(run.events.at(-1)).toMatchObject({ type: 'end', status: 'done' });
    expect(metricsOf(run).every((metrics) => metrics['ungradableShare'] === 0)).toBe(true);
  });
});

describe('evening out', () => {
  const rewardConfig = {
    components: [
      { kind: 'exact', weight: 1 },
      { kind: 'length', unit: 'characters', max: 1, margin: 4, normalise: true, weight: 0.3 },
    ],
  };

  it('gives the training answers of the first step mean 0, and keeps the values that were found', async () => {
    const config = {
      components: [{ kind: 'length', unit: 'characters', max: 1, margin: 4, normalise: true }],
    };
    const run = await train({ rewardConfig: config, budget: { steps: 1 } });
    const trained = answersOf(run).filter(({ split }) => split === 'train');
    const totals = trained.map(({ reward }) => reward.total ?? NaN);
    expect(totals.reduce((sum, total) => sum + total, 0)).toBeCloseTo(0, 8);
    const squares = totals.reduce((sum, total) => sum + total * total, 0);
    expect(squares / (totals.length - 1)).toBeCloseTo(1, 8);
    for (const { reward } of trained) {
      expect(reward.components[0]?.value).toBeGreaterThanOrEqual(0);
      expect(reward.components[0]?.value).toBeLessThanOrEqual(1);
    }
    const state = await readLoopState((await findCheckpoint(run.folder, 'last'))!);
    expect(state.rewardStatistics[0]?.count).toBe(trained.length);
    expect(state.evaluationStatistics[0]?.count).toBe(run.parts.evaluation.length);
  });

  it.each([
    ['RLOO', { estimator: 'rloo' }],
    ['ReMax', { estimator: 'remax', groupSize: 2 }],
    ['VinePPO', { estimator: 'vineppo', groupSize: 2 }],
    ['online DPO', { estimator: 'online-dpo', groupSize: 4 }],
  ])('a resumed run equals an uninterrupted one bit by bit (%s)', async (_name, method) => {
    const changes = { rewardConfig, method, budget: { steps: 12, evaluateEvery: 4, checkpointEvery: 4 } };
    const whole = await train(changes);
    expect(whole.events.at(-1)).toMatchObject({ type: 'end', status: 'done' });
    const halves = makeRun(changes);
    halves.control.onEvent = (event) => {
      if (event.type === 'step' && event.step === 7) halves.control.stop = true;
    };
    const folder = join(root, String(folders++));
    await mkdir(folder);
    expect(await trainLoop(halves.parts, folder, null)).toBe('stopped');
    const rest = makeRun(changes);
    expect(await trainLoop(rest.parts, folder, await findCheckpoint(folder, 'last'))).toBe('done');
    expect(rest.policy.table).toEqual(whole.policy.table);
    const [one, other] = await Promise.all(
      [folder, whole.folder].map(async (place) => readLoopState((await findCheckpoint(place, 'last'))!)),
    );
    expect(one?.rewardStatistics).toEqual(other?.rewardStatistics);
    expect(one?.rewardStatistics[1]?.count).toBeGreaterThan(0);
    expect(one?.evaluationStatistics).toEqual(other?.evaluationStatistics);
    const scores = (run: TestRun) =>
      eventsOf(run.events, 'evaluation').map(({ step, score }) => [step, score]);
    expect([...scores(halves), ...scores(rest)]).toEqual(scores(whole));
  });

  it('learns', async () => {
    const run = await train({ rewardConfig });
    const last = run.events.at(-1);
    if (last?.type !== 'end') throw new Error('the run did not end');
    expect(last.summary.after).toBeGreaterThan(last.summary.before ?? Infinity);
    const right = eventsOf(run.events, 'evaluation').map(({ components }) => components['exact'] ?? 0);
    expect(right.at(-1)).toBeGreaterThan(right[0] ?? 1);
  });
});

it('ends a run with the reason that its judge gives', async () => {
  const run = await train({
    rewardConfig: {
      components: [{ kind: 'judge', endpoint: 'http://127.0.0.1:1/v1', model: 'm', rubric: 'good' }],
    },
  });
  expect(run.events.at(-1)).toMatchObject({
    type: 'failed',
    error: { message: expect.stringContaining('no judge here') },
  });
});
