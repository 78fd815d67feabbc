/** Looking into answers, drawing questions again and keeping the best, in the training loop on a small exact policy. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Sample } from '../../../src-main/contract/events.ts';
import type { SampleOptions, SampleRequest, SampleResult } from '../../../src-main/rollout/sampler.ts';
import { trainLoop } from '../../../src-main/training/train-loop.ts';
import { eventsOf, exactReward, makeRun, shape, temporaryFolder } from './loop-parts.ts';
import type { Changes, RewardOne, TestRun } from './loop-parts.ts';
import { TabularPolicy } from './tabular-policy.ts';

const root = temporaryFolder();
afterAll(() => rm(root, { recursive: true, force: true }));
let folders = 0;

interface Call {
  readonly requests: readonly SampleRequest[];
  readonly options: SampleOptions;
}

/** The policy, with a list of what its sampler was asked for while training. */
class WatchedPolicy extends TabularPolicy {
  readonly calls: Call[] = [];
  override async generate(
    requests: readonly SampleRequest[],
    options: SampleOptions,
  ): Promise<SampleResult[]> {
    if (options.temperature > 0) this.calls.push({ requests, options });
    return super.generate(requests, options);
  }
}

async function train(changes: Changes): Promise<TestRun & { policy: WatchedPolicy }> {
  const policy = new WatchedPolicy(shape);
  const run = makeRun(changes, policy);
  expect(await trainLoop(run.parts, join(root, String(folders++)), null)).toBe('done');
  return { ...run, policy };
}

function trained(run: TestRun, step: number): Sample[] {
  return eventsOf(run.events, 'samples')
    .filter((event) => event.step === step)
    .flatMap(({ samples }) => samples.filter(({ split }) => split === 'train'));
}

function metricsOf(run: TestRun, step: number): Record<string, number> {
  return eventsOf(run.events, 'step').find((event) => event.step === step)!.metrics;
}

const trepo = { estimator: 'trepo', groupSize: 3, anchorChance: 0.5, continuations: 12, learningRate: 0.05 };

describe('looking into answers', () => {
  it('samples all continuations of a step in one call, within the length of an answer', async () => {
    const run = await train({ method: trepo, budget: { steps: 1, maxTokens: 6 } });
    expect(run.policy.calls).toHaveLength(2);
    const { requests } = run.policy.calls[1]!;
    const samples = trained(run, 1);
    let expected = 0;
    const seen = new Set<string>();
    for (const { promptIds, ids, anchors } of samples) {
      expect(anchors![0]!.position).toBe(0);
      for (const { position, value, continuations } of anchors!) {
        expect(position).toBeLessThan(ids.length);
        expect(continuations).toHaveLength(12);
        expect(value).toBeCloseTo(continuations.reduce((sum, { reward }) => sum + reward!, 0) / 12, 12);
        for (const { tokens } of continuations) expect(tokens).toBeLessThanOrEqual(6 - position);
        // Answers to one question that begin alike share a place.
        const key = `${promptIds.join()}:${ids.subarray(0, position).join()}`;
        if (!seen.has(key)) expected += 12;
        seen.add(key);
      }
    }
    expect(requests).toHaveLength(expected);
    expect(new Set(requests.map(({ stream }) => stream.join())).size).toBe(expected);
    for (const { promptIds, maxTokens } of requests) expect(maxTokens).toBe(6 - (promptIds.length - 1));
    const metrics = metricsOf(run, 1);
    expect(metrics['anchorsPerAnswer']).toBeCloseTo(
      samples.reduce((sum, { anchors }) => sum + anchors!.length, 0) / samples.length,
      12,
    );
    const answerTokens = samples.reduce((sum, { ids }) => sum + ids.length, 0);
    expect(metrics['generatedTokens']).toBe(answerTokens + metrics['continuationTokens']!);
    expect(metrics['anchorValueSpread']).toBeGreaterThanOrEqual(0);
    expect(metrics['continuationRewardStd']).toBeGreaterThan(0);
  });

  it('gives each segment the difference of the values around it', async () => {
    const run = await train({ method: trepo, budget: { steps: 1, maxTokens: 6 } });
    for (const { anchors, advantages, ids, reward } of trained(run, 1)) {
      const ends = [
        ...anchors!.map(({ position, value }) => ({ position, value })),
        { position: ids.length, value: reward.total },
      ];
      for (let place = 0; place + 1 < ends.length; place++) {
        for (let token = ends[place]!.position; token < ends[place + 1]!.position; token++)
          expect(advantages![token]).toBeCloseTo(ends[place + 1]!.value! - ends[place]!.value!, 6);
      }
    }
  });

  it('throws coins that do not depend on the answer', async () => {
    const of = async (learningRate: number) =>
      trained(await train({ method: { ...trepo, learningRate }, budget: { steps: 3, maxTokens: 6 } }), 3);
    const [a, b] = [await of(0.05), await of(0.4)];
    let compared = 0;
    a.forEach((sample, place) => {
      const shorter = Math.min(sample.ids.length, b[place]!.ids.length);
      const until = (one: Sample) =>
        one.anchors!.map(({ position }) => position).filter((position) => position < shorter);
      expect(until(sample)).toEqual(until(b[place]!));
      if (sample.ids.join() !== b[place]!.ids.join()) compared++;
    });
    expect(compared).toBeGreaterThan(0);
  });

  it('leaves out answers whose values are not known, and grades continuations as answers are graded', async () => {
    // The letter d cannot be graded.
    const reward: RewardOne = (split, prompt, text) =>
      text.includes('d')
        ? { total: null, components: [{ name: 'exact', value: null, reason: 'no d' }] }
        : exactReward(split, prompt, text);
    const run = makeRun({
      method: { ...trepo, continuations: 1 },
      budget: { steps: 1, maxTokens: 4 },
      reward,
    });
    const parts = {
      ...run.parts,
      config: { ...run.parts.config, reward: { ...run.parts.config.reward!, notGradableLimit: 0.95 } },
    };
    await trainLoop(parts, join(root, String(folders++)), null);
    const samples = trained(run, 1);
    const unknown = samples.filter(({ anchors }) => anchors!.some(({ value }) => value === null));
    expect(unknown.length).toBeGreaterThan(0);
    for (const { advantages } of unknown) expect([...advantages!].every((value) => value === 0)).toBe(true);
  });

  it.each([
    ['segment', trepo],
    ['sparse', { ...trepo, anchorBetween: 'sparse' }],
    [
      'stride',
      {
        estimator: 'trepo',
        groupSize: 3,
        anchorRule: 'stride',
        anchorStride: 1,
        continuations: 4,
        learningRate: 0.05,
      },
    ],
    [
      'vineppo',
      {
        estimator: 'vineppo',
        groupSize: 3,
        anchorRule: 'stride',
        anchorStride: 2,
        continuations: 4,
        learningRate: 0.05,
      },
    ],
    ['dapo', { estimator: 'dapo', groupSize: 8, learningRate: 0.05, overlongBuffer: 1 }],
    ['raft', { estimator: 'raft', groupSize: 8, keepFrom: 1, learningRate: 0.05 }],
  ])('learns (%s)', async (_name, method) => {
    const run = await train({ method, budget: { steps: 80, maxTokens: 3 } });
    const scores = eventsOf(run.events, 'evaluation');
    expect(scores[0]!.score).toBeLessThan(0.6);
    expect(scores.at(-1)!.score).toBeGreaterThan(0.9);
  });

  it('looks after each line of an answer (VinePPO)', async () => {
    const run = makeRun({
      method: { estimator: 'vineppo', groupSize: 4, continuations: 2 },
      budget: { steps: 1, maxTokens: 6 },
    });
    // The letter a stands for a line break.
    const parts = {
      ...run.parts,
      decode: async (answers: readonly Pick<SampleResult, 'ids'>[]) =>
        answers.map(({ ids }) => ({ text: Array.from(ids, (id) => ['', '\n', 'b', 'c', 'd'][id]).join('') })),
    };
    await trainLoop(parts, join(root, String(folders++)), null);
    let steps = 0;
    for (const { ids, anchors } of trained(run, 1)) {
      const expected = Array.from(ids, (_, place) => place).filter(
        (place) => place === 0 || ids[place - 1] === 1,
      );
      expect(anchors!.map(({ position }) => position)).toEqual(expected);
      steps += expected.length - 1;
    }
    expect(steps).toBeGreaterThan(3);
  });
});

describe('drawing questions again (DAPO)', () => {
  /** Questions of even number are always right: no signal. */
  const reward: RewardOne = (split, prompt, text) =>
    split === 'train' && prompt.index % 2 === 0
      ? { total: 1, components: [{ name: 'exact', value: 1, reason: 'always' }] }
      : exactReward(split, prompt, text);
  const method = { estimator: 'dapo', groupSize: 16, learningRate: 0.02, overlongPenalty: 0 };

  it('asks further questions in place of those without signal, and counts what it costs', async () => {
    const run = await train({ method, budget: { steps: 4, promptsPerStep: 2, temperature: 2 }, reward });
    let replaced = 0;
    for (const step of [1, 2, 3, 4]) {
      const samples = trained(run, step);
      const learnt = samples.filter(({ advantages }) => advantages !== undefined);
      const dropped = samples.filter(({ advantages }) => advantages === undefined);
      expect(new Set(learnt.map(({ promptIndex }) => promptIndex % 2))).toEqual(new Set([1]));
      expect(
        new Set(samples.map(({ promptIndex, sampleIndex }) => `${promptIndex}/${sampleIndex}`)).size,
      ).toBe(samples.length);
      const metrics = metricsOf(run, step);
      expect(metrics['generatedTokens']).toBe(samples.reduce((sum, { ids }) => sum + ids.length, 0));
      expect(metrics['zeroVarianceShare']).toBeCloseTo(dropped.length / samples.length, 12);
      expect(metrics['learntTokens']).toBe(learnt.reduce((sum, { ids }) => sum + ids.length, 0));
      if (dropped.length > 0)
        expect(metrics['redrawnShare']).toBeCloseTo(dropped.length / samples.length, 12);
      replaced += dropped.length;
    }
    expect(replaced).toBeGreaterThan(0);
    const end = run.events.at(-1);
    expect(end?.type === 'end' && end.summary.answers).toBe(
      [1, 2, 3, 4].reduce((sum, step) => sum + trained(run, step).length, 0),
    );
  });

  it('stops at the bound, and learns nothing where no question has a signal', async () => {
    const always: RewardOne = (_split, prompt, text) => ({ ...exactReward('train', prompt, text), total: 1 });
    const changes = { budget: { steps: 1, promptsPerStep: 1 }, reward: always };
    for (const [redraws, questions] of [
      [0, 1],
      [2, 3],
      [50, shape.prompts],
    ] as const) {
      const run = await train({ ...changes, method: { ...method, redraws } });
      const samples = trained(run, 1);
      expect(new Set(samples.map(({ promptIndex }) => promptIndex)).size).toBe(questions);
      expect(metricsOf(run, 1)).toMatchObject({ redrawRounds: questions - 1, gradientNorm: 0 });
      expect(metricsOf(run, 1)['generatedTokens']).toBe(
        samples.reduce((sum, { ids }) => sum + ids.length, 0),
      );
    }
  });

  it('takes the penalty off long answers, not off held-out scores', async () => {
    const run = await train({
      method: { estimator: 'dapo', groupSize: 4, overlongBuffer: 2, overlongPenalty: 0.5 },
      budget: { steps: 1, maxTokens: 4 },
    });
    for (const { ids, reward } of trained(run, 1)) {
      const [exact, overlong] = reward.components;
      expect(overlong).toMatchObject({ name: 'overlong', value: [0, 0, 0, -0.25, -0.5][ids.length] });
      expect(reward.total).toBe(exact!.value! + overlong!.value!);
    }
    for (const event of eventsOf(run.events, 'evaluation'))
      expect(Object.keys(event.components)).toEqual(['exact']);
  });
});

describe('keeping the best (RAFT)', () => {
  it('learns one answer a question, equally good ones by chance', async () => {
    const run = await train({
      method: { estimator: 'raft', groupSize: 6 },
      budget: { steps: 1, temperature: 2 },
    });
    const places = new Set<number>();
    const samples = trained(run, 1);
    for (let question = 0; question < shape.prompts; question++) {
      const group = samples.filter(({ promptIndex }) => promptIndex === question);
      const kept = group.filter(({ advantages }) => advantages![0] === 1);
      expect(kept).toHaveLength(1);
      expect(kept[0]!.reward.total).toBe(Math.max(...group.map(({ reward }) => reward.total!)));
      places.add(kept[0]!.sampleIndex);
    }
    expect(places.size).toBeGreaterThan(1);
    expect(metricsOf(run, 1)).toMatchObject({ keptShare: 1 / 6 });
    expect(run.policy.scorePasses).toBe(0);
  });

  it('learns nothing where no answer is good enough', async () => {
    const run = await train({
      method: { estimator: 'raft', groupSize: 1, keepFrom: 2 },
      budget: { steps: 1 },
    });
    expect(metricsOf(run, 1)).toMatchObject({ keptShare: 0, gradientNorm: 0, learntTokens: 0 });
  });
});
